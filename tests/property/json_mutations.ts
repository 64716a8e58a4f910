/** Real records, and small damage to them. */

const encoder = new TextEncoder();

const OTLP = {
  timeUnixNano: "1700000000123456789",
  severityNumber: 17,
  body: { stringValue: "payment failed" },
  attributes: [{ key: "http.method", value: { stringValue: "POST" } }, {
    key: "http.status_code",
    value: { intValue: "500" },
  }],
  resource: { attributes: [{ key: "service.name", value: { stringValue: "pay" } }] },
};

/** Records of many writers. */
export const MUTATION_SEEDS: readonly Uint8Array[] = [
  '{"@timestamp":"2026-03-01T10:00:00.123Z","level":"INFO","service":"checkout","method":"GET","path":"/api/v1/orders","status":200,"response_time_ms":12.345,"message":"ok","trace_id":"4bf92f3577b34da6"}',
  '{"time":"2026-03-01T10:00:00Z","level":"info","msg":"user \\"bob\\" not found\\n\\tat f (a.js:1)","service":"auth","code":404,"took":"12.3ms"}\r\n',
  '{"@timestamp":"2026-03-01T10:00:00.000Z","log":{"level":"error","logger":"a.B"},"http":{"request":{"method":"GET"},"response":{"status_code":500,"body":{"bytes":1234}}},"url":{"path":"/x"},"event":{"duration":1234567},"message":"boom"}',
  '{"date":1700000000.123456,"log":"{\\"level\\":\\"info\\"}\\n","kubernetes":{"labels":{"app":"shop"},"container_name":"c","tags":[1,{"a":[]},"x"]},"stream":"stdout"}',
  '{"level":30,"time":1700000000123,"pid":1,"hostname":"h","name":"svc","msg":"hi","responseTime":3,"v":0,"req":{"method":"GET","url":"/a?b=c"},"res":{"statusCode":200}}',
  '{"ts":1.7000000001234567e9,"level":"warn","msg":"Grüße, 世界 \\u00e9\\ud83d\\ude00","duration":0.0012345678901234567,"status":2e2,"ok":true,"none":null}',
  '{ "timestamp": "2026-03-01 10:00:00,123", "severity": "WARNING", "app": "x", "tags": [ "a", "b" ], "nested": { "level": "no" }, "bytes": -0 }',
  JSON.stringify(OTLP),
  '{"http.method":"PUT","http":{"method":"GET","status_code":201},"a":1,"a":2,"level":"DEBUG","latency_us":850,"request_time":0.25}',
  '{"level":"INFO","level":"ERROR","status":null,"status_code":"503","user":{"name":"u"},"path":"","uri":"\\/a\\/b"}',
].map((text) => encoder.encode(text));

/** What tends to matter to a reader of JSON. */
const PIECES: readonly Uint8Array[] = [
  ...'{ } [ ] : , " \\ / - + . e E 0 1 9 00 -0 1e5 0.5 true false null nul tru \\u \\u00 \\u0041 \\ud800 \\n \\x {} [] "" {"a":1} ,"level":"WARN" ,"status":7 "a":1, [[ ]] // é 世'
    .split(" ").map((text) => encoder.encode(text)),
  ..." \n\r\t\0\x01\x1f\x7f\ufeff\u2028".split("").map((text) => encoder.encode(text)),
  ...[[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80], [0x80]].map((bytes) =>
    Uint8Array.from(bytes)
  ),
];

const STRUCTURE = encoder.encode('{}[]:,"');

/** A record with none to three bytes or pieces changed, put in, taken out, repeated or cut off. */
export function mutate(record: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = Array.from(record);
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(bytes.length + 1);
    const length = 1 + random(random(3) === 0 ? 40 : 3);
    const piece = PIECES[random(PIECES.length)];
    switch (random(8)) {
      case 0:
        bytes[Math.min(at, bytes.length - 1)] = random(256);
        break;
      case 1:
        bytes.splice(at, 0, ...piece);
        break;
      case 2:
        bytes.splice(at, piece.length, ...piece);
        break;
      case 3:
        bytes.splice(at, length);
        break;
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + length));
        break;
      case 5:
        // A digit or letter for another keeps most records whole.
        if (at < bytes.length && bytes[at] >= 0x30) bytes[at] = 0x30 + random(10);
        break;
      case 7: {
        // One bracket, comma, colon or quote for another.
        const places = bytes.flatMap((byte, place) => STRUCTURE.includes(byte) ? [place] : []);
        if (places.length > 0) bytes[places[random(places.length)]] = STRUCTURE[random(STRUCTURE.length)];
        break;
      }
      case 6:
        if (random(4) === 0) bytes = bytes.slice(0, at);
    }
    if (bytes.length === 0) break;
  }
  return Uint8Array.from(bytes);
}
