// Words for who did what: activity, undo, notifications, the audit list. Loaded with what shows them, so not part of `t`:
// the first page and the player do without.

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

/** Parts per million as people say it. */
const speed = (ratePpm: string) => `${Number(ratePpm) / 1_000_000}×`;

/** What can be said of one action; absent parts are said around. */
export interface Said {
  actor: string;
  target: string;
  video: string;
  from: string;
  to: string;
  /** Film times as text. */
  fromAt: string;
  toAt: string;
  /** The program did it by itself. */
  own: boolean;
}

export const record = {
  title: "Activity",
  empty: "Nothing was done here yet.",
  older: "Show older",
  loading: "Reading…",
  program: "Lockstep",
  filter: "Show",
  all: "Everything",
  kinds: { playback: "Playback", channel: "Channel", member: "People", invite: "Invites", queue: "Queue" } as Record<
    string,
    string
  >,
  today: "Today",
  yesterday: "Yesterday",
  undo: "Undo",
  undoOf: (what: string) => `Undo: ${what}`,
  undone: "Taken back.",
  alreadySo: "That was so already.",
  took: (line: string) => `${line} (taking back)`,
  anew: "Could not be read.",
  /** By kind of stream and event type; an unknown one is said plainly. */
  lines: {
    "playback.VideoLoaded": (s) => `${s.actor} loaded ${s.video || "a video"}`,
    "playback.Played": (s) => `${s.actor} played from ${s.toAt}`,
    "playback.Paused": (s) => `${s.actor} paused at ${s.toAt}`,
    "playback.Seeked": (s) =>
      s.fromAt ? `${s.actor} jumped from ${s.fromAt} to ${s.toAt}` : `${s.actor} jumped to ${s.toAt}`,
    "playback.Held": (s) => `${s.actor} pressed play; the film waits until everybody is ready`,
    "playback.Released": () => "The film started for everyone",
    "playback.RateChanged": (s) => `${s.actor} changed the speed to ${speed(s.to)}`,
    "playback.Skipped": (s) => `${s.video || "The film"} was skipped by vote`,
    "queue.VideoQueued": (s) => `${s.actor} queued ${s.video || "a video"}`,
    "queue.VideoDequeued": (s) =>
      s.own ? `${s.video || "A video"} left the queue` : `${s.actor} took ${s.video || "a video"} out of the queue`,
    "queue.VideoMoved": (s) => `${s.actor} moved ${s.video || "a video"} in the queue`,
    "queue.SkipVoteCast": (s) => `${s.actor} voted to skip`,
    "queue.SkipVoteWithdrawn": (s) => `${s.actor} took the vote to skip back`,
    "queue.Cleared": (s) => `${s.actor} cleared the queue`,
    "queue.Restored": (s) => `${s.actor} put the last queue back`,
    "queue.AutoplaySet": (s) => `${s.actor} switched autoplay ${s.to === "true" ? "on" : "off"}`,
    "queue.LoopSet": (s) =>
      `${s.actor} ${s.to === "off" ? "switched repeating off" : s.to === "one" ? "set the film to repeat" : "set the queue to repeat"}`,
    "playback.Ended": (s) => `${s.video || "The film"} ended`,
    "channel.Created": (s) => `${s.actor} created the channel ${s.to}`,
    "channel.Renamed": (s) =>
      s.from ? `${s.actor} renamed ${s.from} to ${s.to}` : `${s.actor} renamed the channel to ${s.to}`,
    "channel.Described": (s) => `${s.actor} changed the description`,
    "channel.VisibilityChanged": (s) => `${s.actor} made the channel ${s.to}`,
    "channel.PermissionDefaultsChanged": (s) => `${s.actor} changed what a role permits`,
    "channel.SlowModeSet": (s) =>
      s.to === "0" ? `${s.actor} switched slow mode off` : `${s.actor} set slow mode to ${s.to} s`,
    "channel.RemoteModeChanged": (s) =>
      s.target ? `${s.actor} gave the one remote to ${s.target}` : `${s.actor} let everybody share the remote`,
    "channel.RemoteHandedOver": (s) => `${s.target} has the remote from ${s.actor}`,
    "channel.Archived": (s) => `${s.actor} archived the channel`,
    "member.JoinRequested": (s) => `${s.target} asked to join`,
    "member.JoinApproved": (s) => `${s.actor} let ${s.target} in`,
    "member.JoinDeclined": (s) => `${s.actor} declined ${s.target}`,
    "member.Joined": (s) => `${s.target} joined`,
    "member.Left": (s) => `${s.target} left`,
    "member.Removed": (s) => `${s.actor} removed ${s.target}`,
    "member.RoleGranted": (s) => `${s.actor} made ${s.target} ${s.to}`,
    "member.PermissionOverridden": (s) => `${s.actor} made an exception for ${s.target}`,
    "member.Muted": (s) => `${s.actor} muted ${s.target}`,
    "member.Unmuted": (s) => `${s.actor} unmuted ${s.target}`,
    "member.Banned": (s) => `${s.actor} banned ${s.target}`,
    "member.Unbanned": (s) => `${s.actor} lifted the ban of ${s.target}`,
    "invite.Issued": (s) => `${s.actor} made an invite`,
    "invite.Redeemed": (s) => `${s.target || s.actor} came by an invite`,
    "invite.Revoked": (s) => `${s.actor} revoked an invite`,
  } as Record<string, (said: Said) => string>,
  unknownLine: (actor: string, what: string) => `${actor}: ${what}`,
  notes: {
    title: "Notifications",
    bell: (n: number) => (n === 0 ? "Notifications" : `Notifications, ${n} unread`),
    empty: "Nothing new.",
    emptyHint: "Answers, requests and news of your films appear here.",
    all: "See all",
    older: "Show older",
    markAll: "Mark all as read",
    unreadOnly: "Unread only",
    unread: "unread",
    lines: {
      join_requested: (actor, channel) => `${actor} asks to join ${channel}.`,
      join_approved: (_, channel) => `You may enter ${channel}.`,
      join_declined: (_, channel) => `Your wish to join ${channel} was declined.`,
      role_granted: (actor, channel, detail) => `${actor} made you ${detail} in ${channel}.`,
      muted: (_, channel) => `You were muted in ${channel}.`,
      unmuted: (_, channel) => `You may chat again in ${channel}.`,
      removed: (_, channel) => `You were removed from ${channel}.`,
      banned: (_, channel) => `You were banned from ${channel}.`,
      unbanned: (_, channel) => `Your ban from ${channel} was lifted.`,
      right_given: (actor, channel, detail) => `${actor} gave you a right in ${channel}: ${detail}.`,
      right_taken: (_, channel, detail) => `A right was taken from you in ${channel}: ${detail}.`,
      right_usual: (_, channel, detail) => `Your role decides again in ${channel} about: ${detail}.`,
      suspended: () => "Your account was suspended.",
      reinstated: () => "Your account is open again.",
      mention: (actor, channel) => `${actor} mentioned you in ${channel}.`,
      reply: (actor, channel) => `${actor} answered you in ${channel}.`,
      invite_redeemed: (actor, channel) => `${actor} came to ${channel} by your invite.`,
      webhook_disabled: () => "A webhook of yours did not answer for too long and was stopped: see your account.",
      video_ready: (_, __, ___, video) => `${video} is ready to watch.`,
      video_failed: (_, __, detail, video) => `${video} could not be made ready: ${detail}`,
    } as Record<string, (actor: string, channel: string, detail: string, video: string) => string>,
    unknownLine: "Something happened that concerns you.",
    reason: (text: string) => `Reason: ${text}`,
    aFilm: "Your film",
    aChannel: "a channel",
  },
  audit: {
    title: "Audit",
    lead: "Every recorded event, newest first.",
    leadChannel: "Every recorded event of this channel, newest first.",
    missing: "There is nothing here",
    missingHint: "The address may have a typing mistake.",
    time: "Time",
    who: "Who",
    what: "Action",
    whom: "Target",
    where: "Channel",
    request: "Request",
    from: "From",
    until: "Until",
    kind: "Kind",
    back: (channel: string) => `Back to ${channel}`,
    only: (name: string) => `Only what ${name} did`,
    whoever: "Whoever",
    onlyOf: (name: string) => `Only what ${name} did is shown.`,
    type: "Event",
    any: "Any",
    actor: "Account id, system or worker",
    search: "Filter",
    reset: "Clear",
    none: "No event meets this filter.",
    older: "Show older",
    details: (position: string) => `Event ${position}`,
    json: "The event",
    cause: "Caused by",
    effects: "Led to",
    noCause: "A request; no earlier event.",
    noEffects: "Nothing yet.",
    right: "Who granted the right",
    byRole: (role: string, permission: string) => `As ${role}, who may: ${permission}`,
    byOverride: (permission: string) => `By an exception: ${permission}`,
    byRemote: "By having the one remote",
    given: "Given by",
    defaults: "What the role permits was set by",
    original: "As channels begin",
    noRight: "No right of a channel was needed.",
    open: (position: string) => `Show event ${position}`,
    events: (n: number) => plural(n, "event", "events"),
  },
};
