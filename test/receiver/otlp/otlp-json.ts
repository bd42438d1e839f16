/** OTLP/JSON as any writer might spell it. */
import protobuf from 'protobufjs';
import type { Random } from './otlp-generator.ts';
import type { Message } from './otlp-proto.ts';

/** OTLP/JSON of a message, by its schema: names and integers in any of the allowed forms. */
export function toJson(type: protobuf.Type, message: Message, random: Random): string {
  const snake = random.oneIn(4);
  const members: string[] = [];
  for (const field of type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) {
      if (random.oneIn(20)) members.push(`"${field.name}":null`);
      continue;
    }
    const content = message[field.name];
    const name = snake ? field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : field.name;
    const text = field.repeated
      ? `[${content.map((item: Message) => valueJson(field, item, random)).join(',')}]`
      : valueJson(field, content, random);
    members.push(`"${name}":${text}`);
  }
  return `{${members.join(random.oneIn(10) ? ' ,\n' : ',')}}`;
}

function valueJson(field: protobuf.Field, value: Message, random: Random): string {
  if (field.resolvedType instanceof protobuf.Type) return toJson(field.resolvedType, value, random);
  switch (field.type) {
    case 'int64':
    case 'uint64':
    case 'fixed64':
    case 'sfixed64':
      return random.oneIn(3) ? String(value) : `"${value}"`;
    case 'double':
      if (!Number.isFinite(value)) return `"${value}"`;
      return Object.is(value, -0) ? '-0' : random.oneIn(5) ? `"${value}"` : String(value);
    case 'bytes':
      // OTLP writes ids in hex.
      if (/Id$/.test(field.name)) {
        const id = Buffer.from(value).toString('hex');
        return `"${random.oneIn(2) ? id : id.toUpperCase()}"`;
      }
      return `"${Buffer.from(value).toString(random.oneIn(2) ? 'base64' : 'base64url')}"`;
    default:
      return JSON.stringify(value);
  }
}

/** A message of logs or traces without ids of a wrong length, which JSON refuses and protobuf takes for none. */
export function withValidIds(message: Message): Message {
  for (const [name, value] of Object.entries<Message>(message)) {
    if (Array.isArray(value)) value.forEach(withValidIds);
    else if (value instanceof Uint8Array) {
      const bytes = { traceId: 16, spanId: 8, parentSpanId: 8 }[name];
      if (bytes !== undefined && value.length !== bytes) message[name] = new Uint8Array(0);
    }
  }
  return message;
}
