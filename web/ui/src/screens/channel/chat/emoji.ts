// The emoji offered at once. The server takes any other, too.

export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🎉"] as const;
