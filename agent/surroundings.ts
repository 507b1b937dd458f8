import { jobTempOf, type NodePlaces, placesInside } from "./core/environment.js";
import type { LeaseRun } from "./core/lease-state.js";
import type { Containers } from "./ports.js";

/** Where a lease's processes run. */
export interface Surroundings {
  places: NodePlaces;
  /** The words that become `argv` there. */
  within(argv: string[]): string[];
  /** In a container, whose own temp nobody else sees. */
  contained: boolean;
}

/** On the machine itself, or in the lease's container. */
export class AllSurroundings {
  constructor(
    private readonly places: NodePlaces,
    private readonly shimPath: string,
    private readonly containers: Pick<Containers, "inside">,
  ) {}

  /** Throws when the container is gone. */
  of({ id, grant }: LeaseRun): Surroundings {
    if (!grant.container) return { places: this.places, within: (argv) => argv, contained: false };
    const inside = this.containers.inside(id);
    if (!inside) throw new Error("the job's container is gone");
    const { holder, start, environment } = inside;
    const enter = [this.shimPath, "enter", "--holder", String(holder), "--start", start];
    const directory = jobTempOf(grant, this.places);
    return {
      places: placesInside(this.places, environment),
      within: (argv) => [...enter, "--directory", directory, "--", ...argv],
      contained: true,
    };
  }
}
