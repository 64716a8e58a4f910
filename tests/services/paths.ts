/** Where services keep what they download and write: beside the project, out of its repository. */
import { fileURLToPath } from "node:url";

export const SERVICES_DIRECTORY = fileURLToPath(new URL("../../.services", import.meta.url));
