import { counter, type Family, gauge, labels } from "../../shared/metrics/family.js";
import { version } from "../../shared/version.js";
import type { CoordinatorView } from "./view.js";

export function selfFamilies(
  { engine, room, nats, logBytes }: CoordinatorView,
  freeBytes: number | undefined,
): Family[] {
  return [
    gauge("stoker_build_info", "Version of the coordinator; always 1", [{ labels: labels({ version }), value: 1 }]),
    gauge(
      "stoker_read_only",
      "1 while the disk takes no rows, so that nothing can be changed",
      Number(engine.readOnly !== undefined),
    ),
    gauge(
      "stoker_nats_up",
      "1 while the coordinator is connected to NATS, by which logs come",
      Number(nats.problem === undefined),
    ),
    gauge(
      "stoker_disk_free_bytes",
      "Free space on the disk of the data folder",
      freeBytes === undefined ? [] : freeBytes,
    ),
    gauge(
      "stoker_disk_low",
      "1 while free space is below --disk-reserve, so that nothing new is taken on",
      Number(room.low !== undefined),
    ),
    gauge("stoker_events_waiting", "Events that the scheduler has not taken in yet", engine.backlog),
    counter("stoker_log_ingest_bytes_total", "Bytes of jobs' logs that were written down", logBytes),
  ];
}
