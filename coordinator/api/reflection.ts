import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { handleBidiStreamingCall, Server, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { EnumTypeDefinition, PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import type { Guard } from "../../shared/grpc.js";
import { toWire } from "../../shared/status.js";

/** gRPC server reflection of our services, from the descriptors that are inside the generated code. It needs the token as they do. */
export function addReflection(
  server: Pick<Server, "addService">,
  services: DescService[],
  guard: Guard,
  report: (error: unknown) => void,
): void {
  const reflection = new ReflectionService(packageOf(services));
  reflection.addToServer({
    addService: (definition, implementation) => server.addService(definition, guarded(implementation, guard, report)),
  });
}

/** The library reads nothing of a package's entries but the files they hold: one entry, of the plainest kind, holds them all. */
function packageOf(services: DescService[]): PackageDefinition {
  const files = new Map<string, Buffer>();
  const visit = (file: DescFile) => {
    if (files.has(file.name)) return;
    files.set(file.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
    for (const dependency of file.dependencies) visit(dependency);
  };
  for (const service of services) visit(service.file);
  const format: EnumTypeDefinition["format"] = "Protocol Buffer 3 EnumDescriptorProto";
  return { files: { format, type: {}, fileDescriptorProtos: [...files.values()] } };
}

function guarded(
  implementation: UntypedServiceImplementation,
  guard: Guard,
  report: (error: unknown) => void,
): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(implementation).map(([name, handler]) => {
      const answer: handleBidiStreamingCall<unknown, unknown> = (call) => {
        try {
          guard(call.metadata);
        } catch (error) {
          call.emit("error", toWire(error, report));
          return;
        }
        Reflect.apply(handler, undefined, [call]);
      };
      return [name, answer];
    }),
  );
}
