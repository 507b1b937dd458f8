import type { Welcome } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { CatalogLife, Obeyed } from "../core/obedience.js";

export function lifeOf({ life }: Pick<Welcome, "life">): CatalogLife | undefined {
  return life && { catalog: life.catalog, epoch: Number(life.epoch), life: life.life };
}

/** For a Hello. */
export function obeyedBefore(obeyed: Obeyed): { obeyed?: { catalog: string; epoch: bigint; life: string } } {
  const last = obeyed.at(-1);
  return last ? { obeyed: { ...last, epoch: BigInt(last.epoch) } } : {};
}
