/** Limits of a workspace. What is absent is not limited. */
export interface Quota {
  readonly clusters?: number;
  /** In its clusters, all together. */
  readonly nodes?: number;
  /** Held by the jobs of its experiments. */
  readonly gpus?: number;
  /** Jobs of its experiments that hold a lease. */
  readonly runningJobs?: number;
}
