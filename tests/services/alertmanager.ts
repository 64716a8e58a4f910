/** One Alertmanager, alone: the installed one, or the one of Debian's package, unpacked beside the services. */
import { join } from "node:path";
import { SERVICES_DIRECTORY } from "./paths.ts";
import { isInstalled, run } from "./run.ts";
import { LOOPBACK, type Service } from "./service.ts";

const PACKAGE = "prometheus-alertmanager";
/** As the project and Debian call it. */
const NAMES = ["alertmanager", PACKAGE];

export const alertmanager: Service = {
  name: "alertmanager",
  ports: 1,
  async prepare({ directory, ports: [port] }) {
    const command = await findProgram();
    const configuration = join(directory, "alertmanager.yml");
    // Groups at once, tells nobody: tests ask its API what it knows.
    await Deno.writeTextFile(
      configuration,
      "route: { receiver: nobody, group_wait: 0s, group_by: [alertname] }\nreceivers: [{ name: nobody }]\n",
    );
    return {
      command,
      args: [
        `--config.file=${configuration}`,
        `--storage.path=${join(directory, "data")}`,
        `--web.listen-address=${LOOPBACK}:${port}`,
        "--cluster.listen-address=",
      ],
      access: { url: `http://${LOOPBACK}:${port}` },
    };
  },
  async isReady({ url }) {
    const response = await fetch(`${url}/-/ready`).catch(() => null);
    await response?.body?.cancel();
    return response?.ok ?? false;
  },
};

/** Path of the program; brings Debian's package where none is installed. */
async function findProgram(): Promise<string> {
  for (const name of NAMES) if (await isInstalled(name, "--version")) return name;
  const directory = join(SERVICES_DIRECTORY, "artifacts", PACKAGE);
  const program = join(directory, "usr", "bin", PACKAGE);
  if (await isInstalled(program, "--version")) return program;
  await Deno.mkdir(directory, { recursive: true });
  const script = `cd "$1" && apt-get download -q ${PACKAGE} && dpkg -x ${PACKAGE}_*.deb .`;
  const { code, output } = await run("sh", ["-c", script, "sh", directory]);
  if (code !== 0) throw new Error(`Alertmanager is neither installed nor to be had as a Debian package:\n${output}`);
  return program;
}
