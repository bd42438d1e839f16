/** Texts that people and machines have really used as ids and metadata, and that break code which is put together. */

export function hostileTexts(): string[] {
  return [
    `it's "quoted" \\ back\\\\slashed \\`,
    'first line\nsecond\r\nthird\ttab',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is no template, which is the point
    '$HOME ${HOME} $(id) `id` !! !x %s %n #{x} {x}',
    'JSON\nEOF\n\'\'\' """ */ -->',
    '<img src=x onerror=alert(1)> & <b>bold</b>',
    '\u202egnp.exe\u2066 \u200b\u200d\ufeff\u2028\u2029',
    '😀 👩‍👩‍👧 é ｆｕｌｌ عربي \u{e0041}',
    '\\u0041 \\x41 \\n \\U00000041',
    ' spaces around ',
    `ends with a backslash\\`,
  ];
}
