/**
 * What of a line a model is shown: log text, not prose. Sentences that have no word of failures and machines in them, and
 * long codes that may say anything, are left out, whatever their language or encoding. Pure.
 */
import { plainLine } from "../shown_text.ts";

/** So many words in a row without one that logs use: prose. */
const PROSE_WORDS = 6;
/** The same for scripts that put no spaces between words. */
const PROSE_LETTERS = 8;
const PATH_CHARS_MAX = 120;

/** Beginnings of words that logs are made of. */
const STEMS = (
  "abort accept access account acknowledg acquir activ address admin alert alloc already api app arg array assert assign async attach attempt " +
  "auth avail await backend backup bad balanc bandwidth batch begin bind block boot branch break broken broker buffer bug build bus byte cache " +
  "call cancel cannot capacity cert chang channel check checksum child chunk circuit class clean client clock clos cluster cod collect column command " +
  "commit compil complet component config conflict connect constraint consum contain content context contract control convert cookie copy core " +
  "corrupt count cpu crash creat credential critical current cursor cycl daemon data db deadlock debug decod default delay delet delivery denied deny depend " +
  "deploy deprecat descriptor destroy detect device disabl discard disconnect disk dispatch dns domain down driver drop dump duplicat duration edge " +
  "element empty enabl encod encrypt endpoint engine entit entry environment epoch error establish event evict exceed except exec exhaust exist exit expect expir " +
  "export fail fallback fatal fault fetch field file filter final finish firewall flag flush folder forbidden fork format found frame frontend full function " +
  "gateway generat group halt handl handshake hang hardware hash header heap heartbeat host http hung icmp id identif idle illegal implement import incompat " +
  "inconsisten increment index info init inject input insert instanc insufficient integrity interfac internal interrupt invalid invoc invok io ip irq issu item iterat " +
  "job journal json jvm kernel key kill lag latenc launch layer lead leak lease level librar limit line link list listen load local lock log login logon lookup loop " +
  "main malform manag map mark master match max media member memor merg messag metadata method metric migrat min missing mod modul monitor mount move " +
  "mutex name namespace negotiat network node notif null number object offset offline open operation option order out overflow owner package packet page " +
  "paramet parent pars partial partition pass patch path pattern paus peer pend perform permi pid ping pipe plugin point pool port prepar primary " +
  "priorit privat privileg probe problem proc produc profil progress propert protocol provid proxy publish purg push query queue quorum quota raid ram rang rate " +
  "read ready reason rebalanc reboot rebuild receiv record recover recursi redirect reduc refer refus regist reject releas reload remot remov renam repair " +
  "replic report request requir reserv reset resiz resolv resource respons restart restor result retr return revok rollback root rout row rpc run runtime sampl " +
  "sandbox save scal scan schedul schema script search secur segment select send sent sequenc serial serv session set shard shell shut sid size skip slave " +
  "slow snapshot socket sourc space spawn spec sql ssh ssl stack stage stal stalled start stat stop storag store stream string struct submit subscri success " +
  "support suspend swap switch symbol sync syntax system table tag target task tcp temp tenant term test thread threshold throttl throw thrown time timed tls token " +
  "topic trac traffic transact transfer transient transit transport trigger truncat trust try tunnel type udp unable unauthor unavail undefin unexpected uninit " +
  "unknown unreach unrecogni unresolv unsupport unsuccess update upgrad upload upstream uri url usag user util valid valu variabl verif version violat virtual volum wait " +
  "warn watch worker write writ wrong xml yaml zone payment invoice customer cart checkout inventory shipment basket refund card price " +
  // The same in other languages: error, failed, connection, time-out, not found, cannot, invalid, denied.
  "fehl verbind zeitüber ungültig verweiger gefunden abgebroch abgelehnt datenbank anmeld zugriff speicher erreur échec échou connexion délai expiré introuvable impossible refusé invalide " +
  "fallo fallid falló conexión agotad encontrad inválid denegad errore fallit connession scadut trovat rifiut falha conexão encontrado negad fout mislukt verbinding verlopen gevonden geweigerd " +
  "błąd połączen nie udało przekrocz odmow ошибк сбой соединен подключ тайм найден невозможно отказ недопустим помилк " +
  "hata bağlantı zaman bulunamadı geçersiz reddedildi"
).split(" ");
/** Words that say that something is amiss, and begin others that do not. */
const WHOLE = [
  "not",
  "no",
  "too",
  "enough",
  "already",
  "without",
  "longer",
  "older",
  "sign",
  "signed",
  "signal",
  "miss",
  "has",
  "have",
  "had",
];
const STEM = new RegExp(`^(?:${STEMS.join("|")}|(?:${WHOLE.join("|")})(?!\\p{L}))`, "u");
/** Of the scripts without spaces. */
const UNSPACED_WORDS =
  /错误|錯誤|失败|失敗|超时|超時|连接|連接|异常|異常|无法|無法|拒绝|数据库|響應|响应|请求|线程|内存|端口|网络|重试|空指针|磁盘|订单|拒絕|找不到|エラー|接続|タイムアウト|例外|データベース|メモリ|ディスク|見つかりません|できません|오류|실패|연결|요청|응답|데이터베이스|시간 초과|거부/;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー、。，！？：；]+/gu;

const WORD = /[^\s"'“”„«»{}[\](),;=<>]+/gu;
const PLAIN = /^\p{L}[\p{L}\p{M}’‌]*[.:!?…،؟]*$/u;
/** Dashes, dots and the like, alone: a picture, or Morse. */
const SIGNS_IN_A_ROW = /(?:(?<=^|\s)[^\p{L}\p{N}\s]{1,8}(?:\s|$)){8,}/gu;
const ESCAPED = /(?:%[0-9a-f]{2}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|&#x?\w{1,6};){4,}/gi;

/** A line of at most `max` UTF-16 units (its beginning and its end where it is longer), without prose and long codes. */
export function logText(line: string, max: number): string {
  const looked = line.length <= 4 * max ? line : `${line.slice(0, 3 * max)} ${line.slice(-max)}`;
  const plain = plainLine(looked).replace(SIGNS_IN_A_ROW, " ").replace(
    ESCAPED,
    (run) => `(${run.length} characters)`,
  );
  return between(withoutProse(plain.split(" ").map(withoutCode).join(" ")), max);
}

/** Cuts where prose begins: what comes behind it belongs to it more often than not. */
function withoutProse(text: string): string {
  let words = 0;
  let letters = 0;
  let begin = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const unspaced = (word.match(UNSPACED) ?? []).join("");
    const isPlain = PLAIN.test(word) && !STEM.test(word.toLowerCase());
    const isLog = unspaced === "" ? !isPlain : UNSPACED_WORDS.test(unspaced);
    if (isLog) {
      words = letters = 0;
      continue;
    }
    if (words === 0) begin = index;
    words++;
    letters += unspaced.length;
    if (words === PROSE_WORDS || letters >= PROSE_LETTERS) {
      return `${text.slice(0, begin)}(${text.length - begin} characters left out)`;
    }
  }
  return text;
}

/** Ids, keys and encoded text by their beginning; words that are put together, as names of classes are, stay. */
function withoutCode(word: string): string {
  if (word.length > PATH_CHARS_MAX) return `${word.slice(0, 16)}(${word.length} characters)`;
  return word.replace(
    /[A-Za-z0-9+]{33,}/g,
    (code) => isName(code) ? code : `${code.slice(0, 8)}(${code.length} characters)`,
  );
}

const isName = (code: string): boolean =>
  !/[0-9+]/.test(code) && (code.match(/[A-Z]/g)?.length ?? 0) <= code.length / 4;

function between(text: string, max: number): string {
  if (text.length <= max) return text;
  const tail = Math.floor(max / 4);
  const head = text.slice(0, max - tail - 5).replace(/[\ud800-\udbff]$/, "");
  return `${head} ... ${text.slice(-tail).replace(/^[\udc00-\udfff]/, "")}`;
}
