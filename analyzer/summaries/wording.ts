/** How a model may say things: possible, not certain; advice that does no harm; nothing that plays an error down. Pure. */
import { readsLikeInstructions } from "./instructions.ts";

const CERTAIN =
  "(?:most|root|actual|real|true|sole|only|exact|underlying|main|primary|ultimate|confirmed|definite|immediate|direct)";

/** Certainty, and the same as a possibility; English first, then "the cause is" of others. */
const SOFTER: readonly (readonly [RegExp, string])[] = [
  [
    new RegExp(`\\b(?:the|its|this|that|an?|one)\\s+(?:${CERTAIN}\\s+)*(?:root[- ]?)?cause\\b`, "gi"),
    "a possible cause",
  ],
  [/\b(?:root[- ]?causes?)\b/gi, "possible cause"],
  [/\b(?:the|a)\s+culprit\b/gi, "a possible cause"],
  [/(?<!\b(?:possibly|probably|perhaps|likely)\s)\b(caused by|due to|because of)\b/gi, "possibly $1"],
  [/\b(?:definitely|certainly|undoubtedly|unquestionably|indisputably|clearly|obviously|surely)\b/gi, "possibly"],
  [/\b(?:without (?:a |any )?doubt|beyond (?:a |any )?doubt|with (?:absolute )?certainty)\b/gi, "possibly"],
  [/\b(?:100|one hundred)\s?(?:%|percent)\s(?:sure|certain|confident)\b/gi, "not certain"],
  [/\b(?:proves?|confirms?)\sthat\b/gi, "suggests that"],
  [/\b(?:die|der)\s(?:haupt|eigentliche\s|wahre\s|grund)?ursache\b|\bder\sgrund\b/giu, "mögliche Ursache"],
  [/\bla\s(?:vraie\s)?cause(?:\s(?:racine|première|profonde|réelle|exacte))?/giu, "cause possible"],
  [/\bla\s(?:verdadera\s)?causa(?:\s(?:raíz|principal|real|exacta))?/giu, "causa posible"],
  [/\bla\s(?:vera\s)?causa(?:\s(?:principale|radice|reale))/giu, "causa possibile"],
  [/\ba\scausa(?:\s(?:raiz|principal|real))?\sé\b/giu, "causa possível:"],
  [/(?:коренная\s|основная\s|настоящая\s)причина/giu, "возможная причина"],
  [/(?:根本|真正的?|唯一的?)原因/gu, "可能的原因"],
];

/** `text` with what it says for certain as a possibility. Applied again, it changes nothing. */
export function asPossible(text: string): string {
  const soft = SOFTER.reduce((softer, [pattern, replacement]) => softer.replace(pattern, replacement), text);
  return /^\p{Lu}/u.test(text) ? soft.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase()) : soft;
}

const SECRETS =
  "(?:pass(?:word|phrase|wort|code)s?|tokens?|secrets?|credentials?|api[- ]?keys?|private keys?|ssh keys?|cookies?|recovery codes?)";
const PROTECTION =
  "(?:auth\\w{0,15}|tls|ssl|certificate (?:checks?|verification|validation)|verification|firewalls?|selinux|apparmor|2fa|mfa|sandbox\\w{0,3}|logging|audit\\w{0,5}|alert\\w{0,4}|monitoring|security|antivirus|signatures?|encryption|backups?|rate limit\\w{0,4})";

const UNWELCOME: readonly RegExp[] = [
  // Commands that destroy, or run what somebody else wrote.
  /\brm\s+-\w*[rf]|\bmkfs\b|\bdd\s+if=|\b(?:curl|wget|fetch|iwr|invoke-webrequest)\b.{0,120}(?:\bsh\b|\bbash\b|\bzsh\b|\bpython\d?\b|\biex\b|\|)|\bpowershell\b|\bbase64\s+-d|\bnc\s+-e|\beval\s?\(|\bsudo\b|\bchmod\s+(?:-r\s+)?0?777|\bchown\s+-r|\biptables\s+-f|\bsetenforce\s+0|\bkill\s+-9\s+-?1\b|--no-preserve-root|--force\b|\bshutdown\s+-/i,
  /\b(?:drop|truncate)\s+(?:the\s+)?(?:table|database|schema|index|keyspace|collection|topic|column)\b|\bdelete\s+from\b|\bkubectl\s+delete\b|\bterraform\s+destroy\b|\bdocker\s+system\s+prune\b|\bgit\s+push\s+(?:-f|--force)|\bflush(?:all|db)\b/i,
  /\b(?:delete|remove|wipe|erase|purge|format|destroy|drop)\b\s(?:all|every|the\sentire|the\swhole|everything)\b/i,
  // Secrets asked for, protection taken away.
  new RegExp(
    `\\b(?:send|share|paste|post|provide|give|reveal|enter|e-?mail|upload|submit|forward|disclose|publish|type|tell|dm)\\b.{0,50}\\b${SECRETS}\\b`,
    "i",
  ),
  new RegExp(
    `\\b(?:disable|disabling|turn(?:ing)? off|switch(?:ing)? off|deactivat\\w{1,3}|bypass\\w{0,3}|skip\\w{0,4}|circumvent\\w{0,3})\\b.{0,40}\\b${PROTECTION}\\b`,
    "i",
  ),
  // Errors played down.
  /\bno (?:further )?actions? (?:is |are )?(?:needed|required|necessary)\b|\b(?:can|may|should|could) (?:safely )?be (?:safely )?(?:ignored|disregarded|dismissed)\b|\bsafe(?:ly)? to (?:ignore|disregard|dismiss)\b|\b(?:ignore|disregard|dismiss|mute|silence) (?:this|these|the|that|it)\b|\bfalse (?:alarm|positive)s?\b|\ball clear\b|\bnothing (?:happened|to worry|to see|is wrong)\b|\b(?:not an? (?:actual |real )?(?:error|problem|incident|issue))\b|\b(?:everything|all) (?:is|works|systems?) (?:fine|well|ok|okay|operational|normal)\b/i,
  // Itself, not the system that the log is of.
  /\bas an? (?:ai|language model|assistant)\b|\bsystem prompt\b|\b(?:my|your|previous|these) (?:system )?(?:instructions|prompt|guidelines)\b|\bi (?:cannot|can't|am unable to|won't) (?:help|comply|assist|answer)\b|\bi(?:'m| am) sorry\b/i,
];

/** Whether words are better left out: harmful advice, a request for secrets, "ignore it", or talk about the model itself. */
export function isUnwelcome(text: string): boolean {
  return UNWELCOME.some((pattern) => pattern.test(text)) || readsLikeInstructions(text);
}
