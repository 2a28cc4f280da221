/** An object of the archive that is not what it must be: another's bytes, cut, changed, or not signed by a key that is trusted. Never to be read past. */
export class ArchiveFault extends Error {
  override name = "ArchiveFault";
}
