/** Conditions of a query, as core/store/where.ts reads them, on the fields that there are. */
import type { Condition } from "../core/store/ports.ts";
import { splitCondition, WHERE_HINT } from "../core/store/where.ts";
import { badParameter } from "./problem.ts";

/** Reads each text, or throws a Problem that names the fields there are. */
export function parseWhere(texts: readonly string[], fields: readonly Condition["field"][]): Condition[] {
  return texts.map((text) => {
    const condition = splitCondition(text);
    if (condition === null) throw badParameter("where", `"${text}" is not a condition: ${WHERE_HINT}`);
    const { name, op, values } = condition;
    const field = fields.find((known) => known === name);
    if (field === undefined) {
      throw badParameter("where", `there is no field ${name} here; there are ${fields.join(", ")}`);
    }
    return { field, op, values };
  });
}
