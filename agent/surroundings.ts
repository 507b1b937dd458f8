import type { LeaseGrant } from "../shared/gen/stoker/v1/lease_pb.js";
import type { Confinement, Confinements } from "./accounts/confinements.js";
import { inContainers, jobTempOf, type NodePlaces, placesInside, placesOfAccount } from "./core/environment.js";
import type { LeaseRun } from "./core/lease-state.js";
import { type Account, accountVariables } from "./core/policy/accounts.js";
import type { Confine, Containers } from "./ports.js";

/** Where a lease's processes run, and as whom. */
export interface Surroundings {
  places: NodePlaces;
  /** The words that become `argv` there. */
  within(argv: string[]): string[];
  /** In a container, whose own temp nobody else sees. */
  contained: boolean;
  /** Undefined: as the agent itself. */
  confine?: Confine | undefined;
}

/** On the machine itself, or in the lease's container; as its submitter's account, or as the agent. */
export class AllSurroundings {
  constructor(
    private readonly places: NodePlaces,
    private readonly shimPath: string,
    private readonly containers: Pick<Containers, "inside">,
    private readonly confinements: Pick<Confinements, "of" | "reader">,
    /** At which accounts find the agent; undefined: as in containers. */
    private readonly openSocket: string | undefined,
  ) {}

  /** Whose rights count when files of this user's jobs are read. Throws a Fault where there is nobody. */
  reader(user: string): Promise<Account | undefined> {
    return this.confinements.reader(user);
  }

  /** Throws when the container is gone. */
  of({ id, grant }: LeaseRun): Surroundings {
    const confinement = this.confinements.of(id);
    const { pass } = confinement ?? {};
    if (!grant.container) {
      const places = confinement ? this.ofAccount(confinement, grant) : this.places;
      const confine = confinement && ({ how: "--confine", file: confinement.file } as const);
      return { places, within: (argv) => argv, contained: false, confine };
    }
    const inside = this.containers.inside(id);
    if (!inside) throw new Error("the job's container is gone");
    const { holder, start, environment } = inside;
    const enter = [this.shimPath, "enter", "--holder", String(holder), "--start", start];
    const directory = jobTempOf(grant, this.places);
    const become = confinement ? ["--confine", confinement.file] : [];
    const places = placesInside(this.places, environment);
    // Images know nothing of the machine's accounts, nor of their homes.
    const who = confinement && { ...accountVariables(confinement.account), HOME: directory, SHELL: "/bin/bash" };
    return {
      places: who
        ? placesOfAccount(places, { variables: who, pass: pass ?? "", socket: inContainers.openSocket })
        : places,
      within: (argv) => [...enter, "--directory", directory, ...become, "--", ...argv],
      contained: true,
      confine: confinement && { how: "--count", file: confinement.file },
    };
  }

  private ofAccount({ account, pass }: Confinement, grant: LeaseGrant): NodePlaces {
    // Of an account that is there for jobs alone; whether another's is there is not looked at, as its server may hang.
    const home = account.home === "/nonexistent" ? jobTempOf(grant, this.places) : account.home;
    const socket = this.openSocket ?? inContainers.openSocket;
    return placesOfAccount(this.places, { variables: accountVariables({ ...account, home }), pass, socket });
  }
}
