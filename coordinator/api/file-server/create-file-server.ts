import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { FileServerSpecSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import {
  CreateFileServerRequestSchema,
  type FileServerService,
} from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { fileServerId } from "../../../shared/ids.js";
import { idempotencyOf, made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { fileServerView } from "../views/file-server.js";

export function createFileServer(ports: ApiPorts): Handlers<typeof FileServerService>["createFileServer"] {
  return async (request, context) => {
    const subject = await ports.ask(
      {
        kind: "file-server-create",
        uuid: fileServerId(randomUUID()),
        parent: request.parent,
        name: request.name,
        spec: request.spec ?? create(FileServerSpecSchema),
        ...idempotencyOf(CreateFileServerRequestSchema, request),
      },
      context,
    );
    const state = ports.state();
    const row = made(state.fileServers, subject);
    return { fileServer: fileServerView(state, row) };
  };
}
