import { expect, test } from 'vitest';
import { exportMetricsResponse, statusBody } from '../../../receiver/otlp/responses.ts';
import { Response, Status } from './otlp-proto.ts';

const json = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test.each([
  //  partial success                                               protobuf                                 JSON
  [undefined, {}, '{}'],
  [
    { rejectedDataPoints: 0, errorMessage: 'wärning' },
    { partialSuccess: { errorMessage: 'wärning' } },
    '{"partialSuccess":{"errorMessage":"wärning"}}',
  ],
  [
    { rejectedDataPoints: 300, errorMessage: 'x'.repeat(200) },
    { partialSuccess: { rejectedDataPoints: '300', errorMessage: 'x'.repeat(200) } },
    `{"partialSuccess":{"rejectedDataPoints":"300","errorMessage":"${'x'.repeat(200)}"}}`,
  ],
])('an answer with %j', (partialSuccess, message, text) => {
  const bytes = exportMetricsResponse('protobuf', partialSuccess);
  expect(Response.toObject(Response.decode(bytes), { longs: String })).toEqual(message);
  expect(Buffer.from(bytes)).toEqual(Response.encode(Response.fromObject(message)).finish());
  expect(json(exportMetricsResponse('json', partialSuccess))).toBe(text);
});

test('a status', () => {
  const bytes = statusBody('protobuf', 3, 'protobuf: wire type 6 at byte 1');
  expect(Status.toObject(Status.decode(bytes))).toEqual({
    code: 3,
    message: 'protobuf: wire type 6 at byte 1',
  });
  expect(json(statusBody('json', 14, 'later'))).toBe('{"code":14,"message":"later"}');
});
