import { usage } from "../../failure.js";
import type { Verb } from "../../verb.js";

export const unmap: Verb = {
  name: "unmap",
  description: "Forget what stands in for an Azure share or container",
  example: "stoker storage unmap 'research/*'",
  argument: "<account/share>",
  options: [],
  async run(call) {
    const [source] = call.words;
    if (source === undefined) throw usage("which mapping? `stoker storage list` shows them");
    const session = await call.session();
    await session.storage.deleteStorageMapping({ source }, session.limits);
    return undefined;
  },
};
