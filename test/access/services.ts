import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { DescMethod, DescService } from "@bufbuild/protobuf";

const folder = resolve(import.meta.dirname, "../../shared/gen/stoker/v1");

/** Every method of every service that there is a description of, whether it is served or not. */
export async function allMethods(): Promise<Array<{ service: DescService; method: DescMethod }>> {
  const files = readdirSync(folder).filter((name) => name.endsWith("_service_pb.ts"));
  const modules = await Promise.all(
    files.map((name) => import(pathToFileURL(join(folder, name)).href) as Promise<Record<string, unknown>>),
  );
  const services = modules.flatMap((all) => Object.values(all)).filter(isService);
  return services.flatMap((service) => service.methods.map((method) => ({ service, method })));
}

const isService = (value: unknown): value is DescService =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
