/** A button that opens a form below it; Escape puts it away. */
import { type ComponentChildren, h } from "preact";
import { useRef, useState } from "preact/hooks";

export function Menu({ title, form }: {
  readonly title: string;
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
      class: "menu",
      name: "menu", // one at a time
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
