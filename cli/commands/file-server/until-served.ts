import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../../shared/fault.js";
import type { FileServer } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { isTransient } from "../../failure.js";

const intervalMs = 250;

/** Waits until its machine says that it serves it, or can't. */
export async function untilServed(
  made: FileServer | undefined,
  get: (id: string) => Promise<{ fileServer?: FileServer | undefined }>,
): Promise<FileServer | undefined> {
  let seen = made;
  while (seen?.provisioningState === ProvisioningState.CREATING) {
    await delay(intervalMs);
    try {
      ({ fileServer: seen } = await get(seen.id));
    } catch (error) {
      if (!(error instanceof Fault) || !isTransient(error)) throw error;
    }
  }
  return seen;
}
