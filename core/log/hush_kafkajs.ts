/** Keeps a warning of a library from users who can do nothing about it. */
import process from "node:process";

let isHushed = false;

/** kafkajs 2.2.4 sets a timer into the past with its first requests, and Node warns of that. Call it before connecting. */
export function hushKafkaJs(): void {
  if (isHushed) return;
  isHushed = true;
  const emitWarning = process.emitWarning;
  process.emitWarning = (...args: unknown[]) => {
    if (!args.includes("TimeoutNegativeWarning")) Reflect.apply(emitWarning, process, args);
  };
}
