/** Which container a machine of kind `docker` is: one of this name, or one of a service. */
export type ContainerChoice =
  | {
      /** A name, an id, or the beginning of an id. */
      readonly name: string;
      /** What its user knows it as; left out: as that. */
      readonly shown?: string;
    }
  /** By its labels: the newest that is healthy, else the newest. */
  | {
      readonly stack: string;
      readonly service: string;
      /** Left out: those that Docker Compose sets. */
      readonly labels?: { readonly stack: string; readonly service: string };
    };

/** Where a container is, and how it is entered. */
export interface ContainerPlace {
  /** As in engine-address.ts. */
  readonly engine: string;
  readonly choice: ContainerChoice;
  /** Paths or names of shells, in the order in which they are tried; then bash and sh. */
  readonly shell: readonly string[];
}

/** Compose's labels. */
export const STACK_LABEL = 'com.docker.compose.project';
export const SERVICE_LABEL = 'com.docker.compose.service';

/** The most shells that are tried. */
export const MOST_SHELLS = 8;

/** What an engine takes for the name or the id of a container. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$/;

/** A path, or a name that is looked for where shells are. */
const SHELL = /^(?:\/[^\p{Cc}]{1,200}|[A-Za-z0-9_.+-]{1,64})$/u;

export const CONTAINER_RULE =
  '1 to 200 letters, digits, "_", "." or "-", beginning with a letter or digit';

/** Also of a stack, and of a service. */
export function isContainerName(text: string): boolean {
  return NAME.test(text);
}

export function isShell(text: string): boolean {
  return SHELL.test(text);
}

/** For people: `shop-web-1`, `shop/web`. */
export function containerText(choice: ContainerChoice): string {
  return 'name' in choice ? (choice.shown ?? choice.name) : `${choice.stack}/${choice.service}`;
}
