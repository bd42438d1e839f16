import { expect, test } from 'vitest';
import { exportResponse, statusBody } from '../../../receiver/otlp/responses.ts';
import { LogsResponse, MetricsResponse, Status, TraceResponse } from './otlp-proto.ts';

const json = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test.each([
  //  warning      protobuf                                            JSON
  [null, {}, '{}'],
  [
    'wärning',
    { partialSuccess: { errorMessage: 'wärning' } },
    '{"partialSuccess":{"errorMessage":"wärning"}}',
  ],
  [
    'x'.repeat(200),
    { partialSuccess: { errorMessage: 'x'.repeat(200) } },
    `{"partialSuccess":{"errorMessage":"${'x'.repeat(200)}"}}`,
  ],
])('an answer with the warning %j', (warning, message, text) => {
  const bytes = exportResponse('protobuf', warning);
  for (const Response of [MetricsResponse, LogsResponse, TraceResponse]) {
    expect(Response.toObject(Response.decode(bytes))).toEqual(message);
    expect(Buffer.from(bytes)).toEqual(Response.encode(Response.fromObject(message)).finish());
  }
  expect(json(exportResponse('json', warning))).toBe(text);
});

test('a status', () => {
  const bytes = statusBody('protobuf', 3, 'protobuf: wire type 6 at byte 1');
  expect(Status.toObject(Status.decode(bytes))).toEqual({
    code: 3,
    message: 'protobuf: wire type 6 at byte 1',
  });
  expect(json(statusBody('json', 14, 'later'))).toBe('{"code":14,"message":"later"}');
});
