/** Exit codes of every subcommand: a script must tell a bad answer from no answer. */
export const exitCodes = {
  done: 0,
  /** Done, and the answer is bad: a changed log, refused events, a fault found. */
  bad: 1,
  /** Could not be done, also because the command was used wrongly. */
  undone: 2,
  /** Stopped by Ctrl-C, 128 + SIGINT as shells count it. */
  interrupted: 130,
} as const;
