/** SSH message numbers that the guards look at (RFC 4250 section 4.1.2, RFC 8308, OpenSSH PROTOCOL). */
export const Message = {
  Ignore: 2,
  Unimplemented: 3,
  Debug: 4,
  ServiceRequest: 5,
  ServiceAccept: 6,
  ExtInfo: 7,
  Kexinit: 20,
  UserauthRequest: 50,
  UserauthFailure: 51,
  UserauthSuccess: 52,
  UserauthBanner: 53,
  /** PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, by the method in progress. */
  UserauthReply: 60,
  UserauthInfoResponse: 61,
  GlobalRequest: 80,
  ChannelOpen: 90,
  ChannelOpenConfirmation: 91,
  ChannelWindowAdjust: 93,
  ChannelData: 94,
  ChannelExtendedData: 95,
  ChannelEof: 96,
  ChannelClose: 97,
  ChannelRequest: 98,
  /** OpenSSH's PROTOCOL, section 1.8: answered with the same data; sent to blur keystroke timing. */
  Ping: 192,
  Pong: 193,
} as const;

/** Reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254 section 5.1). */
export const OpenFailure = {
  AdministrativelyProhibited: 1,
  ConnectFailed: 2,
  ResourceShortage: 4,
} as const;
