/** What phones respond to requests within a call, by the names in simulator/README.md. @module */
/** The part of a user that selects the phone's behavior. */
function nameOf(user: string | undefined): string {
  return user?.replace(/[.+].*$/, '') ?? '';
}

/** Returns the status with which a phone refuses REFER, or that OpenSIPS reports if it does not answer. */
export function answersReferWith(user: string | undefined): number | undefined {
  return { norefer: 603, vanish: 408 }[nameOf(user)];
}

/** Returns the status with which a phone refuses a re-INVITE, or that OpenSIPS reports if it does not answer. */
export function answersReinviteWith(user: string | undefined): number | undefined {
  return { nohold: 488, vanish: 408 }[nameOf(user)];
}
