/**
 * Lines with secrets and personal values in them, each known: what redaction is measured by. They are made from a seed when they
 * are asked for, so that no file has anything that looks like a key.
 */
import { ALPHABETS, DIGITS, SeededRandom } from "./seeded_random.ts";

export interface SecretLine {
  readonly kind: string;
  readonly text: string;
  /** Texts of which nothing may be left. */
  readonly secrets: readonly string[];
}

type Maker = (random: SeededRandom) => string;

const { alnum, base64, hex, lower, upperAlnum, word } = ALPHABETS;

/** A body that has a digit, as all but a few in a million have. */
const body = (length: number, alphabet: string): Maker => (random) =>
  random.text(length - 1, alphabet) + random.pick([...DIGITS]);
const prefixed = (prefixes: readonly string[], rest: Maker): Maker => (random) => random.pick(prefixes) + rest(random);

const b64 = (text: string): string => btoa(text).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");

/** Values that say by themselves what they are. */
export const SELF_EVIDENT: Readonly<Record<string, Maker>> = {
  github: prefixed(["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], body(36, alnum)),
  github_fine: prefixed(["github_pat_"], body(82, alnum + "_")),
  gitlab: prefixed(["glpat-", "gldt-", "glrt-"], body(20, word)),
  slack: (random) =>
    `${random.pick(["xoxb", "xoxp", "xoxa", "xoxs"])}-${random.text(12, DIGITS)}-${random.text(12, DIGITS)}-${
      body(24, alnum)(random)
    }`,
  slack_app: (random) => `xapp-1-A${random.text(10, upperAlnum)}-${random.text(13, DIGITS)}-${random.text(64, hex)}`,
  openai: prefixed(["sk-", "sk-proj-", "sk-svcacct-"], body(48, alnum)),
  anthropic: prefixed(["sk-ant-api03-"], body(93, word)),
  aws: prefixed(["AKIA", "ASIA"], body(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
  google: prefixed(["AIza"], body(35, word)),
  google_oauth: prefixed(["ya29.", "GOCSPX-"], body(40, alnum)),
  huggingface: prefixed(["hf_"], body(34, alnum)),
  stripe: prefixed(["sk_live_", "rk_live_", "pk_live_", "sk_test_"], body(24, alnum)),
  twilio: prefixed(["SK", "AC"], body(32, hex)),
  sendgrid: (random) => `SG.${random.text(22, alnum)}.${random.text(43, alnum)}`,
  npm: prefixed(["npm_"], body(36, alnum)),
  pypi: prefixed(["pypi-AgEIcHlwaS5vcmc"], body(80, word)),
  digitalocean: prefixed(["dop_v1_"], body(64, hex)),
  databricks: prefixed(["dapi"], body(32, hex)),
  shopify: prefixed(["shpat_", "shpss_"], body(32, hex)),
  vault: prefixed(["hvs."], body(90, alnum)),
  grafana: prefixed(["glsa_", "glc_"], body(40, alnum)),
  mailgun: prefixed(["key-"], body(32, hex)),
  telegram: (random) => `${random.text(9, "123456789")}:AA${random.text(33, word)}`,
  discord: (random) => `M${random.text(23, alnum)}.${random.text(6, alnum)}.${random.text(27, alnum)}`,
  jwt: (random) =>
    `${b64('{"alg":"HS256","typ":"JWT"}')}.${
      b64(`{"sub":"${random.text(10, DIGITS)}","name":"${random.text(8, lower)}"}`)
    }.` +
    body(43, word)(random),
  pem: (random) => {
    const kind = random.pick(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"]);
    const line = random.pick(["\n", "\\n"]);
    return [
      "-----BEGIN " + kind + "-----",
      random.text(64, base64),
      random.text(64, base64),
      "-----END " + kind + "-----",
    ]
      .join(line);
  },
  slack_hook: (random) =>
    `https://hooks.slack.com/services/T${random.text(8, upperAlnum)}/B${random.text(8, upperAlnum)}/${
      random.text(24, alnum)
    }`,
  discord_hook: (random) => `https://discord.com/api/webhooks/${random.text(18, DIGITS)}/${random.text(68, word)}`,
  zapier_hook: (random) => `https://hooks.zapier.com/hooks/catch/${random.text(7, DIGITS)}/${random.text(6, alnum)}/`,
  email: (random) =>
    `${random.text(5, lower)}${random.pick([".", "_", "-", "+", ""])}${random.text(4, lower + DIGITS)}@${
      random.text(7, lower)
    }.${random.pick(["com", "org", "co.uk", "example", "de", "io"])}`,
  phone: (random) =>
    random.pick<Maker>([
      (r) => `+49 ${30 + r.below(60)} ${r.text(7, "123456789")}`,
      (r) => `+1-${2 + r.below(8)}${r.text(2, DIGITS)}-${2 + r.below(8)}${r.text(2, DIGITS)}-${r.text(4, DIGITS)}`,
      (r) => `(${2 + r.below(8)}${r.text(2, DIGITS)}) ${2 + r.below(8)}${r.text(2, DIGITS)}-${r.text(4, DIGITS)}`,
      (r) => `+33${r.text(9, "123456789")}`,
      (r) => `+44 20 ${r.text(4, "123456789")} ${r.text(4, "123456789")}`,
    ])(random),
  card: (random) => {
    const [prefix, length] = random.pick(
      [["4", 16], ["51", 16], ["55", 16], ["2221", 16], ["34", 15], ["37", 15], ["6011", 16], ["3530", 16], [
        "36",
        14,
      ]] as const,
    );
    const digits = withLuhn(prefix + random.text(length - prefix.length - 1, DIGITS));
    const divider = random.pick(["", "", " ", "-"]);
    const groups = length === 16 ? [4, 8, 12] : [4, 10];
    return [0, ...groups].map((from, at) => digits.slice(from, [...groups, length][at])).join(divider);
  },
  iban: (random) => {
    const [country, length] = random.pick(
      [["DE", 22], ["FR", 27], ["GB", 22], ["NL", 18], ["CH", 21], ["ES", 24]] as const,
    );
    const account = country === "GB" || country === "NL" ? random.text(4, ALPHABETS.upper) : random.text(4, DIGITS);
    const iban = withModulo97(country, account + random.text(length - 8, DIGITS));
    return random.pick([iban, iban.replace(/.{4}(?=.)/g, "$& ")]);
  },
  ssn: (random) => `${100 + random.below(500)}-${10 + random.below(90)}-${1000 + random.below(9000)}`,
  ipv4: (random) => `${11 + random.below(110)}.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`,
  ipv6: (random) =>
    random.pick<Maker>([
      (r) =>
        `2001:db8:${r.text(4, hex)}:${r.text(4, hex)}:${r.text(4, hex)}:${r.text(4, hex)}:${r.text(4, hex)}:1${
          r.text(3, hex)
        }`,
      (r) => `fe80::${r.text(4, hex)}:${r.text(4, hex)}:${r.text(3, hex)}7`,
      (r) => `2a00:1450::${r.text(3, hex)}4`,
    ])(random),
  mac: (random) =>
    Array.from({ length: 6 }, () => random.text(2, hex)).join(random.pick([":", ":", "-"])).replace(/^../, "a4"),
  home: (random) => `/${"home"}/${random.text(7, lower)}${random.below(90)}/notes.txt`,
};

function withLuhn(digits: string): string {
  let sum = 0;
  [...digits].reverse().forEach((char, at) => {
    const doubled = at % 2 === 0 ? Number(char) * 2 : Number(char);
    sum += doubled > 9 ? doubled - 9 : doubled;
  });
  return digits + (10 - sum % 10) % 10;
}

function withModulo97(country: string, account: string): string {
  let rest = 0n;
  for (const char of `${account}${country}00`) rest = BigInt(`${rest}${parseInt(char, 36)}`) % 97n;
  return `${country}${String(98n - rest).padStart(2, "0")}${account}`;
}

/** Where a value that says by itself what it is may stand. */
export const SURROUNDINGS: readonly string[] = [
  "{}",
  "failed for {}",
  "failed for {}: timed out after 30 s",
  "user said '{}' and left",
  'user said "{}" and left',
  "value={} retry=3",
  "value={},retry=3",
  "[{}] refused",
  "({}) refused",
  "<{}> refused",
  "{} -> 500",
  "id:{};next",
  '{"level":"error","msg":"cannot use {}","n":3}',
  '{"value":"{}"}',
  '{"inner":"{\\"value\\":\\"{}\\"}"}',
  "{'value': '{}'}",
  "value: {}\nnext: 3",
  "value: {}\\nnext: 3",
  "a\tb\t{}\tc",
  "java.io.IOException: no {} here\n\tat a.b.C.d(C.java:12)",
  "GET /x?v={}&w=1 HTTP/1.1",
  "|{}|1|",
  "`{}`",
  "<td>{}</td>",
  "über {} naïve",
  "\u001b[31m{}\u001b[0m",
  "{}.",
  "{}, {}!",
  '{"msg":"first\\n{}\\nlast"}',
  '{"msg":"\\u001b[31m{}\\u001b[0m"}',
  "\\x1b[1;31m{}\\x1b[0m",
  '{"msg":"\\u003c{}\\u003e \\u0022{}\\u0022"}',
  "“{}” and „{}“",
];

/** Values that a name gives away, and how they are written. `{}` is the secret. */
const NAMED:
  readonly (readonly [kind: string, form: string, value: "odd" | "plain" | "spaced" | "digits" | "token"])[] = [
    ["password", "password={}", "odd"],
    ["password", "login password={} user=anna", "odd"],
    ["password", "DB_PASSWORD={}", "odd"],
    ["password", "pwd={};server=db1", "plain"],
    ["password", "Server=db1;User Id=sa;Password={};Encrypt=yes", "odd"],
    ["password", "password: {}", "odd"],
    ["password", "spring.datasource.password = {}", "odd"],
    ["password", "password='{}' user='x'", "spaced"],
    ["password", '{"password":"{}","user":"x"}', "spaced"],
    ["password", '{ "dbPassword" : "{}" }', "spaced"],
    ["password", '{\\"password\\":\\"{}\\",\\"n\\":1}', "spaced"],
    ["password", '{"in":"{\\\\\\"password\\\\\\":\\\\\\"{}\\\\\\"}"}', "plain"],
    ["password", "{'password': '{}', 'n': 1}", "spaced"],
    ["password", '{:password=>"{}"}', "spaced"],
    ["password", "Login(user=anna, password={})", "plain"],
    ["password", "<password>{}</password>", "plain"],
    ["password", "mysql --user x --password {} --host y", "plain"],
    ["password", "POST /login user=anna&password={}&next=%2F", "plain"],
    ["password", "/cb?x=%3Fpassword%3D{}%26y%3D1", "plain"],
    ["password", "passphrase was {}", "token"],
    ["password", "ALTER USER x PASSWORD '{}'", "plain"],
    ["secret", "client_secret={}", "token"],
    ["secret", "clientSecret: {}", "token"],
    ["secret", '{"api_key": "{}"}', "token"],
    ["secret", "X-Api-Key: {}", "token"],
    ["secret", "apikey={}", "token"],
    ["secret", "GET /v1?access_token={}&n=1", "token"],
    ["secret", "token {\n  token: {}\n}", "token"],
    ["secret", "refresh_token={}", "token"],
    ["secret", "aws_secret_access_key = {}", "token"],
    ["secret", "MISTRAL_API_KEY={}", "token"],
    ["secret", "AccountKey={};EndpointSuffix=core", "token"],
    ["secret", "https://x.blob.core/a?sv=1&sig={}", "token"],
    ["secret", "app --token {} -v", "token"],
    ["session", "JSESSIONID={}", "token"],
    ["session", "session_id={} expired", "token"],
    ["session", '"sessionId":"{}"', "token"],
    ["session", "PHPSESSID={}; path=/", "token"],
    ["bearer", "Authorization: Bearer {}", "token"],
    ["bearer", "sent Bearer {} to x", "token"],
    ["bearer", '{"headers":{"Authorization":"Bearer {}"}}', "token"],
    ["bearer", "map[Authorization:[Bearer {}] Accept:[*/*]]", "token"],
    ["bearer", "-H 'authorization: token {}'", "token"],
    ["cookie", "Cookie: a={}; theme=dark", "token"],
    ["cookie", "Set-Cookie: id={}; Path=/; HttpOnly; Secure", "token"],
    ["cookie", '"cookie":"a=1; b={}"', "token"],
    ["url", "https://anna:{}@example.org/a", "plain"],
    ["url", "postgres://app:{}@db:5432/shop", "plain"],
    ["url", "redis://:{}@cache:6379/0", "plain"],
    ["url", "amqp://app:{}@10.0.0.1/%2F", "plain"],
    ["url", "app:{}@tcp(127.0.0.1:3306)/shop", "plain"],
    ["url", "curl -u anna:{} https://example.org", "plain"],
    ["pin", "otp={} rejected", "digits"],
    ["pin", "cvv: {}", "digits"],
    ["pin", '{"msg":"sent\\notp: {}"}', "digits"],
    ["password", "password -> {}", "plain"],
    ["password", "CREATE USER 'a' IDENTIFIED BY '{}'", "plain"],
    ["password", 'GRANT ALL ON x TO a IDENTIFIED WITH sha256 BY \\"{}\\"', "plain"],
    ["password", "- name: DB_PASSWORD\n  value: {}", "plain"],
    ["password", '{"name":"DB_PASSWORD","value":"{}"}', "spaced"],
    ["password", '{\\"name\\":\\"DB_PASSWORD\\",\\"value\\":\\"{}\\"}', "plain"],
    ["password", "env: [{Name:DB_PASSWORD Value:{} ValueFrom:nil}]", "plain"],
    ["password", '<add key="Password" value="{}"/>', "spaced"],
    ["password", '<property name="password">{}</property>', "plain"],
    ["password", "<name>db.password</name>\n<value>{}</value>", "plain"],
    ["password", '<wsse:Password Type="x#PasswordText">{}</wsse:Password>', "plain"],
    ["password", "sshpass -p {} ssh x", "plain"],
    ["password", "mysql -h db1 -uroot -p{} shop", "plain"],
    ["password", "Password for anna: {}", "plain"],
    ["password", "password: |\n  {}", "plain"],
    ["password", "password: !!str {}", "plain"],
    ["password", '{"msg":"bad\\npass: {}"}', "token"],
    ["secret", "secret_key_base: {}", "token"],
    ["secret", "invalid token {}", "token"],
    ["secret", 'token "{}" has expired', "token"],
    ["secret", "Incorrect API key provided: {}.", "token"],
    ["session", "no session {} here", "token"],
    ["bearer", 'authorization: Bearer "{}"', "token"],
    ["bearer", 'Authorization: Digest username="a", realm="b c", nonce="d", response="{}"', "token"],
  ];

function valueOf(random: SeededRandom, shape: typeof NAMED[number][2]): string {
  switch (shape) {
    case "plain":
      return random.text(8, lower) + random.text(4, alnum + "-._~!*$");
    case "odd":
      return random.text(6, alnum) + random.text(5, alnum + "!#$%^*+-_.~@/?") + random.text(3, alnum);
    case "spaced":
      return `${random.text(6, lower)} ${random.text(5, alnum)}${random.text(2, "!#$%&,;:()[]{}")}${
        random.text(4, alnum)
      }`;
    case "digits":
      return random.text(random.pick([4, 6]), "123456789");
    case "token":
      return body(24, alnum)(random);
  }
}

/** So many lines of a seed, of every kind and form in turn. */
export function secretLines(seed: number, count: number): SecretLine[] {
  const random = new SeededRandom(seed);
  const kinds = Object.entries(SELF_EVIDENT);
  const makers: (() => SecretLine)[] = [
    ...kinds.map(([kind, make]) => () => plainLine(kind, make(random), random.pick(SURROUNDINGS))),
    ...NAMED.map(([kind, form, shape]) => () => {
      const secret = valueOf(random, shape);
      const text = form.replaceAll("{}", () => secret);
      return { kind, text, secrets: [secret] };
    }),
    () => {
      const [kind, make] = random.pick(kinds.filter(([name]) => name !== "pem" && name !== "home"));
      return wrappedLine(kind, make(random), random);
    },
    () => basicLine(random),
  ];
  return Array.from({ length: count }, (_, n) => makers[n % makers.length]());
}

/** The line of a value that says by itself what it is. */
export function plainLine(kind: string, secret: string, surrounding: string): SecretLine {
  return { kind, text: surrounding.replaceAll("{}", () => secret), secrets: partsOf(kind, secret) };
}

/** What must not be left: of a block its lines, of a path the name. */
function partsOf(kind: string, secret: string): string[] {
  if (kind === "pem") return secret.split(/\\n|\n/).slice(1, -1);
  if (kind === "home") return [secret.split("/")[2]];
  return [secret];
}

function wrappedLine(kind: string, secret: string, random: SeededRandom): SecretLine {
  if (random.below(2) === 0) {
    const encoded = encodeURIComponent(secret);
    return {
      kind: `${kind}, percent-encoded`,
      text: `GET /x?q=a%20${encoded}%2F HTTP/1.1`,
      secrets: [secret, encoded],
    };
  }
  const encoded = btoa(`{"user":"x","value":"${secret}"}`);
  return { kind: `${kind}, Base64`, text: `payload=${encoded} refused`, secrets: [secret, encoded] };
}

function basicLine(random: SeededRandom): SecretLine {
  const encoded = btoa(`${random.text(6, lower)}:${random.text(10, alnum)}`);
  return {
    kind: "basic",
    text: random.pick([`Authorization: Basic ${encoded}`, `sent Basic ${encoded}`]),
    secrets: [encoded],
  };
}

/** Whether anything of a secret that could be used is left in a text: half of it, and six characters at least. */
export function isLeaked(secret: string, text: string): boolean {
  const length = Math.min(secret.length, Math.max(6, Math.ceil(secret.length / 2)));
  for (let at = 0; at + length <= secret.length; at++) {
    if (text.includes(secret.slice(at, at + length))) return true;
  }
  return false;
}
