/** Names of fields whose values are secret, and what stands there instead of a secret. */

/**
 * How much a value must look like a secret: `any`: not at all; `odd`: unless it is quoted or after `=`, it must have a digit, or
 * be long; `strict`: always; `long`: as what has no name; `digits`: a few digits; `date`, `phone`: a date, a telephone number; `cookie`, `credentials`: a
 * header.
 */
export type Policy = "any" | "odd" | "strict" | "long" | "digits" | "date" | "phone" | "cookie" | "credentials";

export interface KeyWords {
  readonly kind: string;
  readonly policy: Policy;
  /** Alternatives of a pattern, for the end of a name, in any case: `db_password` ends with `password`. */
  readonly words: string;
}

const SEP = "[-_. ]?";

export const KEY_WORDS: readonly KeyWords[] = [
  {
    kind: "PASSWORD",
    policy: "any",
    words: "passw(?:or)?d|passwort|passphrase|passcode|pwd|kennwort|contrase(?:ñ|n)a|(?<![a-z])senha",
  },
  { kind: "PASSWORD", policy: "odd", words: "(?<![a-z])pass" },
  {
    kind: "SECRET",
    policy: "odd",
    words:
      `secret|token|jwt|bearer|credentials?|mnemonic|(?:api|access|secret|private|encryption|signing|account|master|` +
      `license|auth|service|subscription|deploy|storage|client|app|integration|routing)${SEP}key(?:${SEP}id)?`,
  },
  { kind: "SECRET", policy: "strict", words: `signature|(?<![a-z])sig|(?<![a-z])auth|csrf|xsrf|hmac` },
  {
    kind: "SESSION",
    policy: "odd",
    words: `session${SEP}(?:id|key)|(?:j?sess|phpsess|aspsession)(?:ion)?id|connect\\.sid`,
  },
  { kind: "SESSION", policy: "strict", words: `(?<![a-z])sid` },
  { kind: "SESSION", policy: "long", words: `(?<![a-z])session` },
  {
    kind: "PIN",
    policy: "digits",
    words: `(?<![a-z])(?:pin|otp|cvv2?|cvc2?|tan|mfa${SEP}code|verification${SEP}code)`,
  },
  { kind: "SSN", policy: "digits", words: `(?<![a-z])ssn|social${SEP}security(?:${SEP}(?:number|no))?` },
  {
    kind: "BIRTHDATE",
    policy: "date",
    words: `birth${SEP}(?:date|day)|(?:date${SEP}of${SEP}birth|(?<![a-z])dob)|geburtsdatum`,
  },
  { kind: "COOKIE", policy: "cookie", words: `cookies?` },
  { kind: "CREDENTIALS", policy: "credentials", words: `authori[sz]ation` },
  {
    kind: "PHONE",
    policy: "phone",
    words: `(?<![a-z])(?:tele)?phone(?:${SEP}(?:number|no|nr))?|(?<![a-z])(?:mobile|tel|cell|msisdn|fax|whatsapp)`,
  },
];

/** What says that there is no secret, or that it is hidden already. */
export const NO_SECRETS = new Set(
  (
    "null nil none true false undefined empty nan n/a na yes no on off unset set missing required optional invalid expired incorrect " +
    "wrong correct valid ok failed failure denied rejected accepted unknown absent present hidden redacted filtered masked removed omitted " +
    "encrypted protected not is was are the a an must should cannot could will has for of in to with and or but unexpected " +
    "expected default error string number boolean type bearer basic digest function object array authentication authorization " +
    "verification validation change reset update successfully success refreshed revoked issued created updated deleted " +
    "does too being changed mismatch mismatched authenticated unauthorized anonymous disabled enabled using"
  ).split(" "),
);

/** `***`, `xxxx`, `[FILTERED]`, `${VAR}`, `%s`, `{{x}}`, `$VAR`: places for a secret, not one. */
export const PLACEHOLDER =
  /^(?:[*•.xX#_-]+|\[[A-Z_ ]{1,24}\]|<[a-z_ -]{1,24}>|\$\{[^}]{1,80}\}|\$[A-Z_]{1,40}|%[sdv@]|\{\{[^}]{1,80}\}\}|\{[a-z_]{0,24}\})$/;
