import type { LogAddress } from "./address.js";
import { readLog } from "./read.js";
import type { GrowthListener, LogStore } from "./store.js";

/** The log store as readers see it. */
export const logSource = (store: LogStore) => ({
  safeLength: (address: LogAddress) => store.safeLength(address),
  read: (address: LogAddress, offset: number) => readLog(store, address, offset),
  listen: (jobUuid: string, listener: GrowthListener) => store.listen(jobUuid, listener),
});
