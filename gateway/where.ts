/** Conditions of a query: `field=a|b`, `field!=a`, `field^=prefix`; a backslash makes `|` and itself ordinary. */
import type { Condition } from "../core/store/ports.ts";
import { badParameter } from "./problem.ts";

/** Reads each text, or throws a Problem that names the fields there are. */
export function parseWhere(texts: readonly string[], fields: readonly Condition["field"][]): Condition[] {
  return texts.map((text) => {
    const match = /^([a-z_]+)(!=|\^=|=)(.*)$/s.exec(text);
    if (match === null) {
      throw badParameter("where", `"${text}" is not a condition: use level=ERROR, status!=200|204 or endpoint^=/api`);
    }
    const [, name, operator, rest] = match;
    const field = fields.find((known) => known === name);
    if (field === undefined) {
      throw badParameter("where", `there is no field ${name} here; there are ${fields.join(", ")}`);
    }
    const op = operator === "=" ? "in" : operator === "!=" ? "not_in" : "prefix";
    return { field, op, values: splitValues(rest) };
  });
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
