/**
 * Lines that have nothing to hide, and much that looks as if they had: ids, hashes, times, versions, paths, names of classes, and
 * words about passwords. What redaction must leave alone is measured by them.
 */
import { ALPHABETS, DIGITS, SeededRandom } from "./seeded_random.ts";

type Maker = (random: SeededRandom) => string;

const { hex, lower } = ALPHABETS;

const uuid: Maker = (r) =>
  `${r.text(8, hex)}-${r.text(4, hex)}-4${r.text(3, hex)}-a${r.text(3, hex)}-${r.text(12, hex)}`;
const two = (n: number): string => String(n).padStart(2, "0");
const clock: Maker = (r) => `${two(r.below(24))}:${two(r.below(60))}:${two(r.below(60))}`;
const day: Maker = (r) => `20${two(20 + r.below(9))}-${two(1 + r.below(12))}-${two(1 + r.below(28))}`;
const epochMs: Maker = (r) => `1${r.text(12, DIGITS)}`;
const version: Maker = (r) => `${r.below(30)}.${r.below(30)}.${r.below(30)}`;
const className: Maker = (r) =>
  `com.example.${r.text(6, lower)}.${r.text(5, lower)}.${
    r.pick(["OrderService", "TokenStore", "PasswordEncoder", "Session$Key"])
  }`;
const path: Maker = (r) =>
  `/var/lib/${r.text(5, lower)}/${r.text(8, hex)}/${r.pick(["data.bin", "token.log", "secrets.yaml", "index"])}`;
const duration: Maker = (r) =>
  r.pick([
    `${r.below(9000)} ms`,
    `${r.below(90)}.${r.below(10)}s`,
    `${r.below(9)}m${r.below(60)}s`,
    `PT${r.below(60)}M`,
  ]);
const count: Maker = (r) => String(r.below(1_000_000));
const host: Maker = (r) =>
  `${r.text(5, lower)}-${r.below(20)}.${r.pick(["prod.internal", "svc.cluster.local", "example.org"])}`;

/** Each makes a line of its own. */
const MAKERS: readonly Maker[] = [
  (r) => `request ${uuid(r)} took ${duration(r)}`,
  (r) => `trace_id=${r.text(32, hex)} span_id=${r.text(16, hex)} duration=${duration(r)}`,
  (r) => `traceparent: 00-${r.text(32, hex)}-${r.text(16, hex)}-01`,
  (r) => `deployed commit ${r.text(40, hex)} (${r.text(7, hex)}) of v${version(r)}`,
  (r) => `sha256:${r.text(64, hex)} pulled in ${duration(r)}`,
  (r) => `md5 ${r.text(32, hex)} of ${path(r)} matches`,
  (r) => `${day(r)}T${clock(r)}.${r.text(3, DIGITS)}Z INFO started`,
  (r) => `${day(r)} ${clock(r)},${r.text(3, DIGITS)} [main] DEBUG ${className(r)} - ready`,
  (r) => `at ${epochMs(r)} and ${r.text(10, "123456789")} and ${epochMs(r)}000`,
  (r) => `from ${clock(r)} to ${clock(r)}, ${count(r)} rows in ${duration(r)}`,
  (r) => `upgraded libfoo ${version(r)} to ${version(r)}-SNAPSHOT, build ${version(r)}.${r.below(99)}.${r.below(99)}`,
  (r) => `loaded foo-${version(r)}.${r.below(9)}.jar from ${path(r)}`,
  (r) =>
    `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${100 + r.below(40)}.0.${
      r.below(10)
    }.0 Safari/537.36`,
  (r) => `${className(r)}: cannot read ${path(r)}: no such file`,
  (r) => `\tat ${className(r)}.run(OrderService.java:${1 + r.below(900)})`,
  (r) => `object ${className(r)}@${r.text(8, hex)} was not closed`,
  (r) => `token: expired after ${duration(r)}`,
  (r) =>
    r.pick([
      "password is incorrect",
      "password must not be empty",
      "password: required",
      "Password authentication is disabled",
    ]),
  (r) => `Access denied for user 'app'@'localhost' (using password: ${r.pick(["YES", "NO"])})`,
  (r) => `usage: prompt_tokens=${r.below(9000)} max_tokens: ${r.below(9000)} total tokens ${r.below(9000)}`,
  (r) => `Unexpected token: ${r.pick(["}", "EOF", "comma", "<"])} at position ${count(r)}`,
  (r) => `token_type=bearer expires_in=${count(r)} scope=read`,
  (r) => `{"password":"${r.pick(["***", "[FILTERED]", "", "********"])}","secret":null,"token":"\${TOKEN}"}`,
  (r) => `secret "${r.text(6, lower)}-tls" not found in namespace ${r.text(5, lower)}`,
  (r) =>
    `secret ${r.text(6, lower)}-registry-pull-${r.text(5, hex)} not found, token ${r.text(9, lower)}-v${
      r.below(9)
    }-a1b2c`,
  (r) => `Submitting tokens for job: job_${epochMs(r)}_${r.text(4, DIGITS)}`,
  (r) => `{"name":"token_count","value":"${r.below(900)}"} and <password minLength="8">required</password>`,
  () => "password for user app: expired, user is identified by 'mail', pass 2 of 3",
  (r) => `session closed for service ${r.text(6, lower)} after ${duration(r)}`,
  (r) => `GET /api/v1/orders/${count(r)}?page=${r.below(90)}&sort=-created HTTP/1.1 ${200 + r.below(300)} ${count(r)}`,
  (r) => `GET /${"home"}/products/${count(r)} HTTP/1.1" ${200 + r.below(300)} ${count(r)} "-" "curl/8.${r.below(9)}.0"`,
  (r) => `connected to ${host(r)}:${1024 + r.below(60000)}, pool ${r.below(50)}/50`,
  (r) => `listening on 127.0.0.1:${1024 + r.below(60000)} and [::1]:${1024 + r.below(60000)} and 0.0.0.0:80`,
  (r) => `block blk_-${r.text(18, "123456789")} and blk_${r.text(19, "123456789")} replicated`,
  (r) => `partition ${r.below(64)} offset ${r.text(12, "123456789")} epoch ${r.below(99)} lag ${count(r)}`,
  (r) => `pod ${r.text(6, lower)}-${r.text(9, hex)}-${r.text(5, lower)} evicted: memory ${count(r)}Ki > ${count(r)}Ki`,
  (r) => `SELECT a, b FROM t WHERE id = ${count(r)} AND d > '${day(r)}' -- ${duration(r)}`,
  (r) => `oid 1.3.6.1.4.1.${r.below(9999)}.${r.below(99)}.${r.below(99)} = ${count(r)}`,
  (r) => `at 0x${r.text(12, hex)} in std::vector<int>::push_back, Cafe::add, a::b::c`,
  (r) => `+${r.text(4, DIGITS)} lines, -${r.text(3, DIGITS)} lines, ${r.below(100)}% done, ${version(r)}`,
  (r) =>
    `temperature 12.5, 13.25, -4.75; ratio ${r.next().toFixed(6)}; load ${r.next().toFixed(2)} ${r.next().toFixed(2)} ${
      r.next().toFixed(2)
    }`,
  (r) =>
    `invoice INV-${day(r)}-${r.text(6, "123456789")} of customer C${r.text(8, DIGITS)}: ${count(r)}.${
      r.text(2, DIGITS)
    } EUR`,
  (r) => `npm i @scope/pkg@${version(r)} and lodash@${version(r)}`,
  (r) => `git clone git@github.com:org/${r.text(6, lower)}.git into /srv/${r.text(6, lower)}`,
  () => `HTTP 401: Bearer authentication required; Basic realm="x"`,
  (r) => `authorization: denied for role ${r.text(6, lower)}; cookie: missing`,
  (r) => `feature flag AC_${r.text(6, lower)} SKU SK-${r.text(4, DIGITS)} api key missing, auth=none`,
  (r) => `heap ${r.below(4096)} 2048 1024 512 256, gc ${duration(r)}, ${r.text(4, DIGITS)}-${r.text(4, DIGITS)}`,
];

/** So many lines of a seed, of every kind in turn. */
export function cleanLines(seed: number, count: number): string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, n) => MAKERS[n % MAKERS.length](random));
}
