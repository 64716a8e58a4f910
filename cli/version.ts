/** `version`: what runs here, for a report. */
import { Command } from "commander";
import { VERSION } from "../core/version.ts";
import type { CommandParts } from "./program.ts";

export function versionCommand({ terminal }: CommandParts): Command {
  return new Command("version")
    .description("Print the versions of Millrace and of what it runs on")
    .action(() => {
      const { deno, v8, typescript } = Deno.version;
      terminal.out(`millrace ${VERSION}\ndeno ${deno} (v8 ${v8}, typescript ${typescript})\n${Deno.build.target}\n`);
    });
}
