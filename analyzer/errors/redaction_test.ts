import { expect } from "expect";
import fc from "fast-check";
import { createRedactor } from "./redaction.ts";
import { tokenize } from "./tokens.ts";

const redactor = createRedactor("a key of the tests");
/** Not written as one, for no path of a machine may be in the tree. */
const HOME = "/" + "home";
/** With the numbers of pseudonyms left out. */
const shapeOf = (text: string): string => redactor.redact(text).replace(/_\d{7}>/g, ">");

Deno.test("secrets and personal values become pseudonyms, and the text around them stays", () => {
  const cases: Readonly<Record<string, string>> = {
    "login failed password=hunter2 user=anna": "login failed password=<PASSWORD> user=anna",
    '{"password":"hun\\"ter2","user":"x"}': '{"password":"<PASSWORD>","user":"x"}',
    '{\\"db_password\\":\\"hun\\\\\\"ter2\\",\\"user\\":1}': '{\\"db_password\\":\\"<PASSWORD>\\",\\"user\\":1}',
    "Authorization: Bearer abc.def-123456789": "Authorization: Bearer <CREDENTIALS>",
    "authorization: Basic dXNlcjpwYXNz": "authorization: Basic <CREDENTIALS>",
    "map[Authorization:[Bearer abc] Accept:[*/*]]": "map[Authorization:[<CREDENTIALS>] Accept:[*/*]]",
    "Set-Cookie: session=ab12; Path=/; HttpOnly": "Set-Cookie: <COOKIE>",
    "postgres://app:s3cret@db:5432/x": "postgres://<USER>:<PASSWORD>@db:5432/x",
    "GET /v1?token=abc123def&x=1": "GET /v1?token=<SECRET>&x=1",
    "GET /v1?next=%2Fa%3Fpassword%3Dab%20cd": "GET /v1?next=/a?password=<PASSWORD>",
    "key AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "key <AWS_KEY>/<AWS_SECRET>",
    "mail from anna.b+x@example.org: refused": "mail from <EMAIL>: refused",
    "call +49 30 1234567 or (415) 555-2671": "call <PHONE> or <PHONE>",
    "call +44 20 7946 0000 4040 times": "call <PHONE> 4040 times",
    "Bearer spring.datasource.password = ab1xy": "Bearer spring.datasource.password = <PASSWORD>",
    "curl -u anna:+49 38 5567693": "curl -u anna:<PHONE>",
    "keyeyJ=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF12": "keyeyJ=<JWT>",
    "card 4111 1111 1111 1111 declined, 378282246310005": "card <CARD> declined, <CARD>",
    "iban DE89 3704 0044 0532 0130 00 ok": "iban <IBAN> ok",
    "ssn 123-45-6789": "ssn <SSN>",
    "from 10.251.73.220:50010 and 2001:db8::1, mac 00:1B:44:11:3A:B7": "from <IP>:50010 and <IP>, mac <MAC>",
    [`open ${HOME}/anna/x.txt and C:\\Users\\Bob\\y`]: `open ${HOME}/<USER>/x.txt and C:\\Users\\<USER>\\y`,
    "eyJwYXNzd29yZCI6Imh1bnRlcjIifQ== sent": "<BASE64> sent",
    "<password>hunter2</password>": "<password><PASSWORD></password>",
    "mysql --password hunter2 --verbose": "mysql --password <PASSWORD> --verbose",
    "https://hooks.slack.com/services/T00/B00/abc posted": "<WEBHOOK> posted",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest": "<PRIVATE_KEY>\nrest",
    "pass\u200bword=hun\u200bter2": "password=<PASSWORD>",
    '{"m":"call\\n+49 30 1234567\\nfe80::1a:2b"}': '{"m":"call\\n<PHONE>\\n<IP>"}',
    "\\u001b[31mAKIAIOSFODNN7EXAMPLE\\u001b[0m": "\\u001b[31m<AWS_KEY>\\u001b[0m",
    "password=ab\\nimble99 x": "password=<PASSWORD> x",
    "ALTER USER a IDENTIFIED BY 'hunter2'": "ALTER USER a IDENTIFIED BY '<PASSWORD>'",
    '{"name":"DB_PASSWORD","value":"hunter2"},{"name":"A","value":"b"}':
      '{"name":"DB_PASSWORD","value":"<PASSWORD>"},{"name":"A","value":"b"}',
    '<property name="password" value="hunter2"/>': '<property name="password" value="<PASSWORD>"/>',
    '<x:Password Type="a">hunter2</x:Password>': '<x:Password Type="a"><PASSWORD></x:Password>',
    "password: |\n  hunter2\nuser: x": "password: |\n  <PASSWORD>\nuser: x",
    "invalid token 9fK2mQ7xLp4Rt8Vw1Z": "invalid token <SECRET>",
    'Authorization: Digest username="a", response="6629fae4"\nHost: x': "Authorization: <CREDENTIALS>\nHost: x",
    "dev_a4:a6:68:0d:2c:57 up, a4:a6:68:0d:2c:58:wlan": "dev_<MAC> up, <MAC>:wlan",
    "born: date_of_birth=1987-04-12, ssn: 078051120": "born: date_of_birth=<BIRTHDATE>, ssn: <SSN>",
  };
  for (const [text, shape] of Object.entries(cases)) {
    expect({ text, shape: shapeOf(text) }).toEqual({ text, shape });
  }
});

Deno.test("what only looks like a secret stays", () => {
  for (
    const text of [
      "Access denied for user 'root'@'localhost' (using password: YES)",
      "password is incorrect; token: expired; Unexpected token: foo",
      "tokens: 512 max_tokens=1024 token_type=bearer pass=12 fail=3",
      '{"token": null, "secret": "", "pwd": "***"}',
      "request 550e8400-e29b-41d4-a716-446655440000 took 12.5 ms at 1445144423722",
      "commit 3f786850e387550fdab836ed7e6dc881de23001b of v1.2.3.4 by Chrome/120.0.0.0",
      "at 2026-11-29T10:20:30.123Z std::vector Cafe::add 10:20:30 127.0.0.1 ::1",
      "org.apache.hadoop.mapreduce.v2.app.MRAppMaster at /var/log/app/current.log",
      "block blk_-6952295868487656571 and blk_38865049064139660",
      `GET ${HOME}/products HTTP/1.1`,
    ]
  ) expect(redactor.redact(text)).toBe(text);
});

Deno.test("a pseudonym follows from key and value, is a wildcard to templates, and is left alone", () => {
  const value = fc.stringMatching(/^[a-z]{4,12}[0-9]{2,6}[A-Z]{2}$/);
  fc.assert(fc.property(value, value, (a, b) => {
    const under = (key: string, secret: string) => createRedactor(key).redact(`password=${secret}`);
    expect(under("k", a)).toBe(under("k", a));
    expect(under("k", a)).toMatch(/^password=<PASSWORD_\d{7}>$/);
    expect(under("k", a)).not.toBe(under("another", a));
    if (a !== b) expect(under("k", a)).not.toBe(under("k", b));
    const redacted = under("k", a);
    expect(createRedactor("k").redact(redacted)).toBe(redacted);
    expect(tokenize(`for ${under("k", a)} now`).tokens).toEqual(["for", "password", "=", "<*>", "now"]);
  }));
  expect(() => createRedactor("")).toThrow(RangeError);
});
