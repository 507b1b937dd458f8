import type { Gpu } from "../../../shared/gen/stoker/v1/node_pb.js";

/** `3`; of a part of a GPU, which of them as well: `3/0`. */
export function nameOfGpu({ uuid, index, parentUuid }: Gpu, gpus: readonly Gpu[]): string {
  if (parentUuid === "") return String(index);
  const parts = gpus.filter((each) => each.parentUuid === parentUuid);
  return `${index}/${parts.findIndex((each) => each.uuid === uuid)}`;
}
