/** Bytes to look at. (Pure.) */

/** The bytes of a base64 text. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const LINE = 16;

/** Lines of an offset, sixteen bytes in hexadecimal, and those of them that are ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += LINE) {
    const line = [...bytes.subarray(offset, offset + LINE)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = line
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
      .join('');
    lines.push(`${offset.toString(16).padStart(6, '0')}  ${hex.padEnd(LINE * 3 - 1)}  ${ascii}`);
  }
  return lines.join('\n');
}
