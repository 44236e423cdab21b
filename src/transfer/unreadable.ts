/** The stream is not what its protocol says, or asks for more to be kept in mind than may be. */
export class Unreadable extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'Unreadable';
  }
}
