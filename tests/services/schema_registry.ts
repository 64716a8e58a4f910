/** A schema registry: Apicurio, in memory, with Confluent's API. */
import { join } from "node:path";
import { mavenArchive } from "./maven.ts";
import { isListening, LOOPBACK, type Service } from "./service.ts";
import { VERSIONS } from "./versions.ts";

const ARTIFACT = "apicurio-registry-app";

export const schemaRegistry: Service = {
  name: "registry",
  ports: 1,
  async prepare({ directory, ports: [port] }) {
    const files = await mavenArchive(`io.apicurio:${ARTIFACT}:${VERSIONS.registry}:tar.gz:all`, "registry");
    return {
      command: "java",
      args: [
        "-Xmx384m",
        `-Dquarkus.http.host=${LOOPBACK}`,
        `-Dquarkus.http.port=${port}`,
        `-Djava.io.tmpdir=${directory}`,
        // Confluent's own default: new schemas must be readable in the place of the last.
        "-Dregistry.rules.global.compatibility=BACKWARD",
        "-jar",
        join(files, `${ARTIFACT}-${VERSIONS.registry}-runner.jar`),
      ],
      access: { url: `http://${LOOPBACK}:${port}/apis/ccompat/v7` },
    };
  },
  async isReady({ url }) {
    if (!await isListening(new URL(url).host)) return false;
    return await fetch(`${url}/subjects`).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
  },
};
