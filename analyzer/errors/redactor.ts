/** The port of redaction. */

/** Puts pseudonyms in the place of secrets and personal data. */
export interface Redactor {
  /**
   * Equal values have equal pseudonyms, as in `<EMAIL_4819273>`: one word with digits, which a template takes for a wildcard.
   * Never longer than a few times the text; linear in its length.
   */
  redact(text: string): string;
}
