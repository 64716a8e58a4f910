/** Conditions as people write them: `field=a|b`, `field!=a`, `field^=prefix`; a backslash makes `|` and itself ordinary. */
import type { Condition } from "./ports.ts";

export const WHERE_HINT = "use level=ERROR, status!=200|204 or endpoint^=/api";

/** A condition in pieces, its field not looked at yet; null where the text is none. */
export function splitCondition(
  text: string,
): { readonly name: string; readonly op: Condition["op"]; readonly values: readonly string[] } | null {
  const match = /^([A-Za-z_]\w*)(!=|\^=|=)(.*)$/s.exec(text);
  if (match === null) return null;
  const [, name, operator, rest] = match;
  const op = operator === "=" ? "in" : operator === "!=" ? "not_in" : "prefix";
  return { name, op, values: splitValues(rest) };
}

/** Whether a value meets a condition. */
export function meets({ op, values }: Pick<Condition, "op" | "values">, value: string): boolean {
  switch (op) {
    case "in":
      return values.includes(value);
    case "not_in":
      return !values.includes(value);
    case "prefix":
      return values.some((prefix) => value.startsWith(prefix));
  }
}

/** The text that {@link splitCondition} reads as this. */
export function writeCondition(
  { name, op, values }: { readonly name: string; readonly op: Condition["op"]; readonly values: readonly string[] },
): string {
  const operator = op === "in" ? "=" : op === "not_in" ? "!=" : "^=";
  return name + operator + values.map((value) => value.replace(/[\\|]/g, "\\$&")).join("|");
}

function splitValues(text: string): string[] {
  const values: string[] = [""];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\" && i + 1 < text.length) values[values.length - 1] += text[++i];
    else if (text[i] === "|") values.push("");
    else values[values.length - 1] += text[i];
  }
  return values;
}
