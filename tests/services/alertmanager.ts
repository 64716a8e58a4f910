/** One Alertmanager, alone: the one that is installed (on Debian: the package prometheus-alertmanager). */
import { join } from "node:path";
import { isInstalled } from "./run.ts";
import { LOOPBACK, type Service } from "./service.ts";

/** As the project and Debian call it. */
const NAMES = ["alertmanager", "prometheus-alertmanager"];

export const alertmanager: Service = {
  name: "alertmanager",
  ports: 1,
  async prepare({ directory, ports: [port] }) {
    const command = await installedAlertmanager();
    if (command === null) throw new Error(`none of ${NAMES.join(" and ")} is installed`);
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

/** The installed program, by the name that it has; null where there is none. */
export async function installedAlertmanager(): Promise<string | null> {
  for (const name of NAMES) if (await isInstalled(name, "--version")) return name;
  return null;
}
