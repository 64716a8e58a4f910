/** How bad it is: a colour, a shape and a word each. */
import { h } from "preact";
import type { Severity } from "./errors_api.ts";

/** A shape each, for who cannot tell the colours apart. */
const SHAPES: Readonly<Record<Severity, { readonly path: string; readonly sign: string; readonly word: string }>> = {
  critical: { path: "M5 1h6l4 4v6l-4 4H5l-4-4V5z", sign: "M8 4v5M8 11v1.2", word: "Critical" },
  error: { path: "M8 .8 15.2 8 8 15.2.8 8z", sign: "M8 4.8v4M8 10.6v1.1", word: "Error" },
  warning: { path: "M8 1.2 15.4 14.4H.6z", sign: "M8 6v4M8 11.6v1.2", word: "Warning" },
  info: { path: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1z", sign: "M8 7.2v4M8 4.4v1.2", word: "Info" },
};

export function SeverityMark({ severity }: { readonly severity: Severity }) {
  const { path, sign, word } = SHAPES[severity];
  return h("span", { class: "severity", "data-severity": severity }, [
    h("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [
      h("path", { class: "shape", d: path }),
      h("path", { class: "sign", d: sign }),
    ]),
    h("span", null, word),
  ]);
}
