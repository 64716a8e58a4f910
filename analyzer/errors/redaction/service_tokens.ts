/** Keys and tokens of services that say by their first characters what they are: one list, and a finder for all of it. */
import { endOfRun, type Finder, type Finding, isStart, NOTHING } from "./finding.ts";

/** What may follow a prefix. */
type Body = "word" | "wordOrDot" | "hex" | "base64";

interface TokenShape {
  readonly kind: string;
  readonly prefixes: string;
  readonly body: Body;
  /** Least characters after the prefix; fewer are no token. */
  readonly least: number;
  /** Whether a digit must be among them, where the prefix could begin a word. */
  readonly needsDigit?: true;
}

const SHAPES: readonly TokenShape[] = [
  { kind: "GITHUB_TOKEN", prefixes: "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", body: "word", least: 16 },
  {
    kind: "GITLAB_TOKEN",
    prefixes: "glpat- gldt- glrt- glcbt- glptt- glsoat- glft- glagent- glimt- glffct- gloas-",
    body: "word",
    least: 16,
  },
  {
    kind: "SLACK_TOKEN",
    prefixes: "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe. xapp-",
    body: "wordOrDot",
    least: 8,
  },
  {
    kind: "MODEL_KEY",
    prefixes: "sk-proj- sk-ant- sk-svcacct- sk-admin- sk-or-v1- sk- hf_ api_org_ gsk_ r8_ pplx- xai-",
    body: "word",
    least: 16,
    needsDigit: true,
  },
  {
    kind: "AWS_KEY",
    prefixes: "AKIA ASIA ABIA ACCA AROA AIDA AGPA ANPA ANVA",
    body: "word",
    least: 12,
    needsDigit: true,
  },
  { kind: "GOOGLE_KEY", prefixes: "AIza", body: "word", least: 30 },
  { kind: "GOOGLE_TOKEN", prefixes: "ya29. GOCSPX- 1//0", body: "wordOrDot", least: 16 },
  {
    kind: "STRIPE_KEY",
    prefixes: "sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ pk_test_ whsec_",
    body: "base64",
    least: 10,
  },
  { kind: "TWILIO_KEY", prefixes: "SK AC", body: "hex", least: 32 },
  { kind: "SENDGRID_KEY", prefixes: "SG.", body: "wordOrDot", least: 32 },
  { kind: "MAILGUN_KEY", prefixes: "key-", body: "hex", least: 32 },
  { kind: "PACKAGE_TOKEN", prefixes: "npm_ pypi- rubygems_ dckr_pat_", body: "word", least: 30 },
  {
    kind: "CLOUD_TOKEN",
    prefixes: "dop_v1_ doo_v1_ dor_v1_ sbp_ HRKU- LTAI AKID",
    body: "word",
    least: 16,
    needsDigit: true,
  },
  { kind: "DATABRICKS_TOKEN", prefixes: "dapi", body: "hex", least: 32 },
  { kind: "SHOPIFY_TOKEN", prefixes: "shpat_ shpca_ shppa_ shpss_", body: "hex", least: 32 },
  { kind: "SQUARE_TOKEN", prefixes: "sq0atp- sq0csp-", body: "word", least: 20 },
  {
    kind: "MONITORING_TOKEN",
    prefixes: "glc_ glsa_ NRAK- NRII- NRAA- sntrys_ sntryu_ PMAK-",
    body: "base64",
    least: 20,
  },
  { kind: "VAULT_TOKEN", prefixes: "hvs. hvb. hvr. dp.pt. dp.st.", body: "wordOrDot", least: 20 },
  { kind: "DATABASE_TOKEN", prefixes: "pscale_pw_ pscale_tkn_ pscale_oauth_", body: "wordOrDot", least: 20 },
  { kind: "ATLASSIAN_TOKEN", prefixes: "ATATT3 ATCTT3 ATBB", body: "base64", least: 20, needsDigit: true },
  {
    kind: "SERVICE_TOKEN",
    prefixes: "lin_api_ ntn_ secret_ figd_ fm1_ fm2_ sl. AGE-SECRET-KEY-1",
    body: "base64",
    least: 30,
    needsDigit: true,
  },
];

const BODIES: Readonly<Record<Body, RegExp>> = {
  word: /[\w-]+/y,
  wordOrDot: /[\w.-]*[\w-]/y,
  hex: /[0-9A-Fa-f]+/y,
  base64: /[\w+/=-]+/y,
};

/** Prefixes by their first two characters, longer ones first. */
const BY_PAIR = new Map<number, { readonly prefix: string; readonly shape: TokenShape }[]>();
/** Which pairs there are: asked of every character. */
const PAIRS = new Uint8Array(128 * 128);
for (const shape of SHAPES) {
  for (const prefix of shape.prefixes.split(" ")) {
    const pair = pairAt(prefix, 0);
    PAIRS[pair] = 1;
    BY_PAIR.set(
      pair,
      [...BY_PAIR.get(pair) ?? [], { prefix, shape }].sort((x, y) => y.prefix.length - x.prefix.length),
    );
  }
}

function pairAt(text: string, at: number): number {
  const [first, second] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
  return first < 128 && second < 128 ? first << 7 | second : 0;
}

export const findServiceTokens: Finder = (text) => {
  let found: Finding[] | null = null;
  for (let at = 0; at < text.length; at++) {
    const pair = pairAt(text, at);
    if (PAIRS[pair] === 0 || !isStart(text, at)) continue;
    for (const { prefix, shape } of BY_PAIR.get(pair) ?? []) {
      if (!text.startsWith(prefix, at)) continue;
      const begin = at + prefix.length;
      const end = endOfRun(text, begin, BODIES[shape.body]);
      if (end - begin < shape.least) continue;
      if (shape.needsDigit !== true || /\d/.test(text.slice(begin, end))) {
        (found ??= []).push({ start: at, end, kind: shape.kind });
      }
      at = end; // also of what is none: no run is read twice
      break;
    }
  }
  return found ?? NOTHING;
};

/** A secret of AWS has no prefix: forty characters of Base64, told by the key or the word that is near. */
const AWS_SECRET = /(?:(?<![A-Za-z0-9+/])|(?<=>\/))[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/g;

export const findAwsSecrets: Finder = (text) => {
  if (!/AKIA|ASIA|AWS_KEY|aws/i.test(text)) return NOTHING;
  const found: Finding[] = [];
  for (const match of text.matchAll(AWS_SECRET)) {
    const [secret] = match;
    // A hash has one case; a path has words.
    if (/[a-z]/.test(secret) && /[A-Z]/.test(secret) && (/\d/.test(secret) || secret.includes("+"))) {
      found.push({ start: match.index, end: match.index + secret.length, kind: "AWS_SECRET" });
    }
  }
  return found;
};

/** Of Telegram's and Discord's bots: the number or the name of one, then its secret. */
const BOT_TOKENS = /(?<![\w-])(?:\d{8,12}:AA[\w-]{30,40}(?![\w-])|[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,45}(?![\w-]))/g;

export const findBotTokens: Finder = (text) => {
  if (!text.includes(":AA") && !text.includes(".")) return NOTHING;
  return [...text.matchAll(BOT_TOKENS)].map(({ 0: { length }, index }) => ({
    start: index,
    end: index + length,
    kind: "BOT_TOKEN",
  }));
};
