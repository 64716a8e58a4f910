/** Libraries of Maven Central with everything that they need, brought once by Maven itself. */
import { join } from "node:path";
import { SERVICES_DIRECTORY } from "./paths.ts";
import { run } from "./run.ts";

const TRIES = 3;

/**
 * The directory with the jars of `artifacts` (GROUP:NAME at `version`, or GROUP:NAME:VERSION) and of all that they depend on. Throws where Maven
 * is missing or could not bring them.
 */
export async function mavenLibrary(name: string, version: string, artifacts: readonly string[]): Promise<string> {
  const directory = join(SERVICES_DIRECTORY, "artifacts", `${name}-${version}`);
  if (await isDirectory(directory)) return directory;
  const temporary = `${directory}.${Deno.pid}`;
  await Deno.mkdir(temporary, { recursive: true });
  try {
    await Deno.writeTextFile(join(temporary, "pom.xml"), pomOf(version, artifacts));
    for (let tries = 1;; tries++) {
      const { code, output } = await run("mvn", [
        "--quiet",
        "--batch-mode",
        "--file",
        join(temporary, "pom.xml"),
        "dependency:copy-dependencies",
        `-DoutputDirectory=${temporary}`,
      ]);
      if (code === 0) break;
      if (tries === TRIES) throw new Error(`Maven could not bring ${artifacts.join(" and ")} ${version}:\n${output}`);
    }
    // A reader sees all of it or nothing; whoever was faster is as good.
    await Deno.rename(temporary, directory).catch(() => Deno.remove(temporary, { recursive: true }));
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw error;
  }
  return directory;
}

/** The directory into which an artifact (GROUP:NAME:VERSION:tar.gz:CLASSIFIER) was unpacked. */
export async function mavenArchive(artifact: string, name: string): Promise<string> {
  const directory = join(SERVICES_DIRECTORY, "artifacts", `${name}-${artifact.split(":")[2]}`);
  if (await isDirectory(directory)) return directory;
  const temporary = `${directory}.${Deno.pid}`;
  await Deno.mkdir(temporary, { recursive: true });
  try {
    const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
    const unpack = [`${plugin}:unpack`, `-Dartifact=${artifact}`, `-DoutputDirectory=${temporary}`];
    // Without a project Maven keeps where it is started that it has unpacked something, and does not do so again.
    const { code, output } = await run("mvn", ["--quiet", "--batch-mode", ...unpack], {}, temporary);
    if (code !== 0) throw new Error(`Maven could not bring ${artifact}:\n${output}`);
    await Deno.remove(join(temporary, "${project.basedir}"), { recursive: true }).catch(() => {});
    await Deno.rename(temporary, directory).catch(() => Deno.remove(temporary, { recursive: true }));
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw error;
  }
  return directory;
}

async function isDirectory(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

function pomOf(version: string, artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, own = version] = artifact.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${own}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>service</artifactId><version>1</version>
  <dependencies>${dependencies.join("")}</dependencies>
</project>
`;
}
