/** A button that opens a form below it; Escape puts it away. */
import { type ComponentChildren, h } from "preact";
import { useRef, useState } from "preact/hooks";

export function Menu({ title, name = "menu", form }: {
  readonly title: string;
  /** Of those with one name only one is open: one that holds others needs another name than theirs. */
  readonly name?: string;
  /** Drawn while it is open; told how to close it. */
  readonly form: (close: () => void) => ComponentChildren;
}) {
  const [isOpen, setOpen] = useState(false);
  const summary = useRef<HTMLElement>(null);
  const close = () => {
    setOpen(false);
    summary.current?.focus(); // or it would be lost with the form
  };
  return h(
    "details",
    {
      class: "drop",
      name,
      open: isOpen,
      onToggle: (event: { currentTarget: HTMLDetailsElement }) => setOpen(event.currentTarget.open),
      onKeyDown: (event: KeyboardEvent) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        close();
      },
    },
    h("summary", { ref: summary }, title),
    isOpen && form(close),
  );
}
