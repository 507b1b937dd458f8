import { Fault } from "../../../shared/fault.js";
import type { JobService, ReadJobFileRequest } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { JobId } from "../../../shared/ids.js";
import { findJob } from "../../core/names.js";
import type { OpenStreams } from "../open-streams.js";
import type { ApiPorts, FileDirectory } from "../ports.js";
import { followFile } from "./follow-file.js";

export function readJobFile(ports: ApiPorts, open: OpenStreams): Handlers<typeof JobService>["readJobFile"] {
  return (request, { signal, peer }) => {
    const { uuid } = findJob(ports.state(), request.id);
    if (request.path === "") throw new Fault("invalid-argument", "path is empty: it names a file inside the directory");
    if (request.offset < 0n || (request.length ?? 0n) < 0n)
      throw new Fault("invalid-argument", "offset and length can't be negative");
    const directory = { kind: "job", job: uuid, directoryId: request.outputDirectoryId || "stdouterr" } as const;
    return read(ports, open, uuid, directory, request, signal, peer);
  };
}

async function* read(
  ports: ApiPorts,
  open: OpenStreams,
  uuid: JobId,
  directory: FileDirectory,
  request: ReadJobFileRequest,
  signal: AbortSignal,
  peer: string,
) {
  using _ = open.hold(peer);
  if (request.follow) {
    yield* followFile(ports, uuid, directory, request, signal);
    return;
  }
  const { path, offset, length, node } = request;
  using file = await ports.files.open(directory, path, { offset, length, node }, signal);
  yield { message: { case: "head" as const, value: file.head } };
  for await (const data of file.bytes) yield { message: { case: "data" as const, value: data } };
}
