/** The command line: every command, its help, and how a run of it ends. */
import { Command, CommanderError } from "commander";
import { VERSION } from "../core/version.ts";
import { alertsCommand } from "./alerts.ts";
import { analyzerCommand } from "./analyzer.ts";
import { configCommand } from "./config.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { evalCommand } from "./eval.ts";
import { engineCommand } from "./engine.ts";
import { gatewayCommand } from "./gateway.ts";
import { generateCommand } from "./generate.ts";
import { reportFailure } from "./failure.ts";
import { migrateCommand } from "./migrate.ts";
import { patternsCommand } from "./patterns.ts";
import { produceCommand } from "./produce.ts";
import { reportCommand } from "./report.ts";
import { styled, type Terminal } from "./terminal.ts";
import { statusCommand } from "./status.ts";
import { superviseCommand } from "./supervise.ts";
import { versionCommand } from "./version.ts";

/** What every command is made with. */
export interface CommandParts {
  readonly terminal: Terminal;
  /** Sets the exit status; without it a command that returns ends with 0. */
  readonly end: (status: number) => void;
}

/** A name here makes a command; groups and order are those of the help. */
const COMMANDS: readonly (readonly [group: string, readonly ((parts: CommandParts) => Command)[]])[] = [
  ["Run:", [devCommand, produceCommand]],
  ["Run on a cluster:", [
    engineCommand,
    gatewayCommand,
    analyzerCommand,
    generateCommand,
    migrateCommand,
    superviseCommand,
  ]],
  ["Look:", [
    statusCommand,
    reportCommand,
    patternsCommand,
    evalCommand,
    alertsCommand,
    doctorCommand,
    configCommand,
    versionCommand,
  ]],
];

const AFTER_HELP = `
Examples:
  deno task dev                                                start on this machine, stop with Ctrl-C
  deno task dev --port 9000 --no-generator                     on another port, with your logs only
  deno task produce --file access.log.gz --topic access        send a file
  kubectl logs deploy/shop | deno task produce --topic shop    send what a program prints
  KAFKA_BROKERS=kafka:9092 deno task engine --store duckdb     work on Kafka's topics
  deno task report access --topic access --out report          an access log's report as HTML, CSV and Parquet
  deno task doctor                                             check the machine

Environment:
  MILLRACE_SECTION_KEY  any key of the configuration, as in MILLRACE_GATEWAY_PORT=9000 or MILLRACE_DATA=/srv/millrace
  NO_COLOR              print without colours

The configuration is the defaults, then millrace.yaml, then the environment, then the options of the command.
COMMAND --help tells more. Manual: docs/operations.md
`;

/** Runs the command line and answers its exit status; everything that goes wrong is printed. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let status = 0;
  const program = buildProgram({ terminal, end: (ended) => status = ended });
  try {
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportFailure(error, terminal);
  }
}

function buildProgram(parts: CommandParts): Command {
  const program = new Command("deno task")
    .usage("COMMAND [options]")
    .description(`Millrace ${VERSION}: a stream of logs into minute metrics and searchable history`)
    .option("--config <file>", "configuration file (default: ./millrace.yaml, if there is one)")
    .version(`millrace ${VERSION}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .addHelpText("after", AFTER_HELP);
  for (const [group, makers] of COMMANDS) {
    for (const make of makers) program.addCommand(make(parts).helpGroup(group));
  }
  const nested = program.commands.flatMap(({ commands }) => commands);
  for (const command of [program, ...program.commands, ...nested]) dress(command, parts.terminal);
  return program;
}

/** The same manners for every command: errors are thrown, help is styled, options of the program are listed. */
function dress(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption("-h, --help", "print this help")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: () => {}, // reportFailure prints it
      getOutHelpWidth: () => Math.min(terminal.columns(), 120),
      getErrHelpWidth: () => Math.min(terminal.columns(), 120),
      getOutHasColors: () => terminal.hasColour,
      getErrHasColors: () => terminal.hasColour,
    })
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (subcommand) => subcommand.name(),
      styleTitle: (title) => styled(terminal, "bold", title),
    });
}
