/** When to ask again: as soon as the gateway tells that more is stored, or now and then where it cannot. */
import { useEffect } from "preact/hooks";

/** Between two times of asking, however much is stored. */
const APART_MS = 1_000;
/** Without word from the gateway; with it only the range moves by itself. */
const POLL_MS = 5_000;
const MOVE_MS = 15_000;

let isConnected = false;
const listeners = new Set<() => void>();

/** Listens to what is stored of a topic, as long as the component is there. */
export function useLive(topic: string | undefined): void {
  useEffect(() => {
    if (topic === undefined) return;
    const source = new EventSource(`/api/v1/live?${new URLSearchParams({ topic })}`);
    source.addEventListener("open", () => isConnected = true);
    source.addEventListener("error", () => isConnected = false); // it connects anew by itself, or never: then is polled
    source.addEventListener("stored", () => {
      for (const hear of listeners) hear();
    });
    return () => {
      isConnected = false;
      source.close();
    };
  }, [topic]);
}

/** Runs at once and, where `isMoving`, again whenever there may be something new; answers how to end it. */
export function repeat(run: (isFirst: boolean) => Promise<void>, isMoving: boolean): () => void {
  let isLeft = false;
  let isRunning = false;
  let isDue = false;
  let lastMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(go, ms, false);
  };
  const go = async (isFirst: boolean) => {
    isRunning = true;
    isDue = false;
    lastMs = Date.now();
    await run(isFirst);
    isRunning = false;
    if (!isLeft && isMoving) wait(isDue ? APART_MS : isConnected ? MOVE_MS : POLL_MS);
  };
  const hear = () => {
    if (isDue) return;
    isDue = true;
    if (!isRunning) wait(Math.max(0, lastMs + APART_MS - Date.now()));
  };
  if (isMoving) listeners.add(hear);
  void go(true);
  return () => {
    isLeft = true;
    listeners.delete(hear);
    clearTimeout(timer);
  };
}
