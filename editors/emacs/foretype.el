;;; foretype.el --- AI completions as ghost text while you type  -*- lexical-binding: t; -*-

;; Author: The Foretype authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: convenience, languages
;; URL: https://github.com/foretype/foretype
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Speaks to the language server Foretype by itself, beside Eglot or lsp-mode: those
;; have no ghost text, and Eglot has one server for a buffer.  One server is started
;; for all buffers in which `foretype-mode' is on.  See docs/editors/emacs.md.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'subr-x)
(require 'url-util)

(defgroup foretype nil
  "AI completions as ghost text."
  :group 'convenience)

(defcustom foretype-command '("foretype" "--stdio")
  "The program that serves, and its arguments."
  :type '(repeat string))

(defcustom foretype-settings nil
  "The server's settings as a property list, with the names that JSON has.
For example (:endpoint (:baseUrl \"http://127.0.0.1:8000/v1\" :model \"m\"))."
  :type 'plist)

(defface foretype-ghost '((t :inherit shadow))
  "What is suggested and not there yet.")

(defvar foretype-active-map (make-sparse-keymap)
  "Keys that count only while ghost text is shown; nothing is bound by itself.")

(defconst foretype--max-crashes 5
  "A server that ended by itself more often than this is not started again.")

(defvar foretype--connection nil)
(defvar foretype--is-ready nil)
(defvar foretype--n-crashes 0)
(defvar foretype--status "not started")
(defvar foretype--told nil "The states that a person was told of.")
(defvar foretype--n-asked 0 "The number of the newest request.")

(defvar-local foretype--is-shown nil)
(defvar-local foretype--version 0 "The version that the server has; 0 is none.")
(defvar-local foretype--changes nil "What the server was not told yet, newest first.")
(defvar-local foretype--before nil "Where the change begins and ends that comes now.")
(defvar-local foretype--item nil "The suggestion on the screen, as the server sent it.")
(defvar-local foretype--text "" "What is left of it.")
(defvar-local foretype--n-covered 0 "So much of the line behind point it writes again.")
(defvar-local foretype--start nil "Where it was suggested.")
(defvar-local foretype--full "" "All of it, from there on.")
(defvar-local foretype--rest-length 0 "The length of the line behind that place.")
(defvar-local foretype--seen nil "Where point was, and the text, when last handled.")
(defvar-local foretype--is-waiting nil "Whether something was typed that nobody was asked.")
(defvar-local foretype--overlays nil)

(defvar foretype--keys `((foretype--is-shown . ,foretype-active-map)))

;;; The server

(defun foretype--running-p ()
  "Whether the server runs."
  (and foretype--connection (jsonrpc-running-p foretype--connection)))

(defun foretype--tell (state message)
  "Say MESSAGE once for each STATE."
  (unless (member state foretype--told)
    (push state foretype--told)
    (message "Foretype: %s" message)))

(defun foretype--notified (_connection method params)
  "Handle the notification METHOD of the server with its PARAMS."
  (pcase method
    ('didChangeStatus
     (setq foretype--status (plist-get params :message))
     (when (equal (plist-get params :kind) "Warning")
       (foretype--tell (car (split-string foretype--status ":")) foretype--status))
     (force-mode-line-update t))
    ('foretype/didExtend
     (when foretype--is-shown
       (foretype--ask 2)))
    ('window/showMessage
     (message "%s" (plist-get params :message)))))

(defun foretype--ended (_connection)
  "Note that the server has ended by itself."
  (setq foretype--connection nil
        foretype--is-ready nil
        foretype--status "the server has ended; M-x foretype-restart starts it")
  (cl-incf foretype--n-crashes)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (setq foretype--version 0)
      (foretype--hide)))
  (when (> foretype--n-crashes foretype--max-crashes)
    (foretype--tell "ended" foretype--status)))

(defun foretype--start ()
  "Start the server unless it runs; return whether it is ready."
  (let ((program (expand-file-name (car foretype-command))))
    (cond
     ((foretype--running-p) foretype--is-ready)
     ((> foretype--n-crashes foretype--max-crashes) nil)
     ((not (setq program (or (executable-find (car foretype-command))
                             (executable-find program))))
      (setq foretype--status (format "there is no program %s" (car foretype-command)))
      (foretype--tell "missing" (concat foretype--status "; set foretype-command"))
      nil)
     (t
      (setq foretype--connection
            (jsonrpc-process-connection
             :name "foretype"
             :events-buffer-scrollback-size 0
             :notification-dispatcher #'foretype--notified
             :on-shutdown #'foretype--ended
             :process (lambda ()
                        (make-process :name "foretype"
                                      :command (cons program (cdr foretype-command))
                                      :connection-type 'pipe
                                      :coding 'utf-8-emacs-unix
                                      :noquery t
                                      :stderr (get-buffer-create " *foretype stderr*")))))
      (jsonrpc-async-request
       foretype--connection :initialize
       (list :processId (emacs-pid)
             :clientInfo (list :name "Emacs" :version emacs-version)
             :rootUri (foretype--uri default-directory)
             :capabilities
             '(:general (:positionEncodings ["utf-32"])
               :experimental (:foretype (:didExtend t)))
             :initializationOptions (foretype--options))
       :timeout 60
       :error-fn #'ignore
       :timeout-fn #'ignore
       :success-fn
       (lambda (_)
         (jsonrpc-notify foretype--connection :initialized (make-hash-table))
         (setq foretype--is-ready t
               foretype--status "ready")
         (with-current-buffer (window-buffer)
           (when foretype--is-waiting
             (foretype--ask 2)))))
      nil))))

(defun foretype--options ()
  "The settings that the server begins with."
  (let ((editor (plist-get foretype-settings :editor)))
    ;; The brackets behind point that a suggestion closes are replaced with it.
    (unless (plist-member editor :rangeEnd)
      (setq editor (append '(:rangeEnd "rest") editor)))
    (plist-put (copy-sequence foretype-settings) :editor editor)))

(defun foretype-restart ()
  "End the server and start it again."
  (interactive)
  (when (foretype--running-p)
    (jsonrpc-shutdown foretype--connection t))
  (setq foretype--n-crashes 0
        foretype--told nil)
  (foretype--start))

;;; Documents

(defun foretype--uri (path)
  "The URI of PATH."
  (concat "file://" (url-hexify-string (expand-file-name path) url-path-allowed-chars)))

(defun foretype--document ()
  "What names this buffer."
  (list :uri (if buffer-file-name
                 (foretype--uri buffer-file-name)
               (concat "untitled:" (url-hexify-string (buffer-name))))))

(defun foretype--text-of-buffer ()
  "The whole text."
  (save-restriction
    (widen)
    (buffer-substring-no-properties (point-min) (point-max))))

(defun foretype--position (&optional at)
  "The position AT a place, or at point, in lines and characters."
  (save-restriction
    (widen)
    (save-excursion
      (when at (goto-char at))
      (list :line (1- (line-number-at-pos))
            :character (- (point) (line-beginning-position))))))

(defun foretype--language ()
  "The language's name, as other editors have it."
  (string-remove-suffix "-ts" (string-remove-suffix "-mode" (symbol-name major-mode))))

(defun foretype--before-change (start end)
  "Note the positions of START and END, which are others once the text has changed."
  (setq foretype--before
        (list start end (foretype--position start) (foretype--position end))))

(defun foretype--after-change (start end n-old)
  "Note a change from START to END, which had N-OLD characters."
  (pcase foretype--before
    (`(,(pred (= start)) ,(pred (= (+ start n-old))) ,first ,last)
     (push (list :range (list :start first :end last)
                 :text (buffer-substring-no-properties start end))
           foretype--changes))
    (_
     ;; Emacs tells of more before a change than after it, at times.
     (setq foretype--changes (list (list :text (foretype--text-of-buffer)))))))

(defun foretype--send-changes ()
  "Open the document, or tell the server what has changed since."
  (cond
   ((zerop foretype--version)
    (setq foretype--version 1
          foretype--changes nil)
    (jsonrpc-notify
     foretype--connection :textDocument/didOpen
     (list :textDocument
           (append (foretype--document)
                   (list :languageId (foretype--language)
                         :version 1
                         :text (foretype--text-of-buffer))))))
   (foretype--changes
    (cl-incf foretype--version)
    (jsonrpc-notify
     foretype--connection :textDocument/didChange
     (list :textDocument (append (foretype--document) (list :version foretype--version))
           :contentChanges (vconcat (reverse foretype--changes))))
    (setq foretype--changes nil))))

(defun foretype--close ()
  "Tell the server that this document is not open any more."
  (when (and (foretype--running-p) (> foretype--version 0))
    (jsonrpc-notify foretype--connection :textDocument/didClose
                    (list :textDocument (foretype--document))))
  (setq foretype--version 0))

;;; What is on the screen

(defun foretype--hide ()
  "Take the suggestion away."
  (mapc #'delete-overlay foretype--overlays)
  (setq foretype--overlays nil
        foretype--is-shown nil
        foretype--item nil))

(defun foretype--rest ()
  "The line behind point."
  (buffer-substring-no-properties (point) (line-end-position)))

(defun foretype--follow ()
  "Bring what is left of the suggestion up to date; return whether it goes on."
  (when (and foretype--item (<= foretype--start (point)))
    (let* ((typed (buffer-substring-no-properties foretype--start (point)))
           (length (length (foretype--rest)))
           ;; Brackets that were typed over, or closed by themselves, count.
           (n-covered (+ foretype--n-covered (- length foretype--rest-length))))
      (when (and (string-prefix-p typed foretype--full)
                 (< (length typed) (length foretype--full))
                 (not (string-search "\n" (substring typed 0 (min 1 (length typed)))))
                 (<= 0 n-covered length))
        (setq foretype--text (substring foretype--full (length typed))
              foretype--n-covered n-covered
              foretype--rest-length length)))))

(defun foretype--put (at text is-first)
  "Draw TEXT before the character AT; the cursor stays before it if IS-FIRST."
  (unless (string-empty-p text)
    (let ((overlay (make-overlay at at))
          (drawn (propertize text 'face 'foretype-ghost)))
      (when is-first
        (put-text-property 0 1 'cursor 1 drawn))
      (overlay-put overlay 'after-string drawn)
      (push overlay foretype--overlays))))

(defun foretype--draw ()
  "Draw what is left of the suggestion."
  (mapc #'delete-overlay foretype--overlays)
  (setq foretype--overlays nil)
  (let* ((covered (substring (foretype--rest) 0 foretype--n-covered))
         (again (and (not (string-empty-p covered))
                     (not (string-search "\n" foretype--text))
                     (string-match (concat ".*\\(" (regexp-quote covered) "\\)")
                                   foretype--text)
                     (match-beginning 1))))
    (foretype--put (point) (substring foretype--text 0 again) t)
    ;; What is there already is not drawn again.
    (when again
      (foretype--put (+ (point) (length covered))
                     (substring foretype--text (+ again (length covered)))
                     nil)))
  (setq foretype--is-shown t))

(defun foretype--answered (place result)
  "Show the RESULT of a request for a PLACE."
  (let* ((items (if (vectorp result) result (plist-get result :items)))
         (item (and (> (length items) 0) (aref items 0))))
    (cond
     ((not (equal place (foretype--place))))
     ((not item) (foretype--hide))
     (t
      (let* ((range (plist-get item :range))
             (text (plist-get item :insertText))
             (goes-on (and (foretype--follow) (string-prefix-p foretype--text text))))
        (if goes-on
            ;; From where it was suggested first, so that backspace gets back there.
            (setq foretype--full
                  (concat (buffer-substring-no-properties foretype--start (point)) text))
          (setq foretype--start (point)
                foretype--full text))
        (setq foretype--item item
              foretype--text text
              foretype--rest-length (length (foretype--rest))
              foretype--n-covered
              (- (plist-get (plist-get range :end) :character)
                 (plist-get (plist-get range :start) :character)))
        (foretype--draw)
        (jsonrpc-notify foretype--connection :textDocument/didShowCompletion
                        (list :item item)))))))

;;; Asking

(defun foretype--place ()
  "Where point is, and in which text."
  (list (current-buffer) (buffer-chars-modified-tick) (point)))

(defun foretype--ask (kind)
  "Ask for a suggestion of KIND: 1 is by hand, 2 while typing."
  (foretype--send-changes)
  (setq foretype--is-waiting nil)
  (let ((number (cl-incf foretype--n-asked))
        (place (foretype--place)))
    (jsonrpc-async-request
     foretype--connection :textDocument/inlineCompletion
     (list :textDocument (foretype--document)
           :position (foretype--position)
           :context (list :triggerKind kind))
     ;; A model that is being loaded may take its time.
     :timeout nil
     ;; An error says that there is nothing new.
     :error-fn #'ignore
     :success-fn
     (lambda (result)
       (when (and (= number foretype--n-asked) (buffer-live-p (car place)))
         (with-current-buffer (car place)
           (foretype--answered place result)))))))

(defun foretype--refresh ()
  "Bring what is on the screen up to date with the text and with point."
  (let ((place (foretype--place)))
    (unless (equal place foretype--seen)
      (let ((has-changed (and foretype--seen
                              (not (equal (cadr place) (cadr foretype--seen))))))
        (setq foretype--seen place)
        (if (foretype--follow) (foretype--draw) (foretype--hide))
        (when (and has-changed (not buffer-read-only))
          (setq foretype--is-waiting t)
          (when (foretype--start)
            (foretype--ask 2)))))))

(defun foretype--after-command ()
  "Handle what a command did; an error must not end the mode."
  (with-demoted-errors "Foretype: %S"
    (foretype--refresh)))

(defun foretype-trigger ()
  "Ask for a suggestion by hand."
  (interactive)
  (when (foretype--start)
    (setq foretype--seen (foretype--place))
    (foretype--ask 1)))

(defun foretype-dismiss ()
  "Take the suggestion away until something is typed."
  (interactive)
  (cl-incf foretype--n-asked)
  (foretype--hide))

;;; Accepting

(defun foretype--accept (text)
  "Insert TEXT, a beginning of what is left of the suggestion."
  (let ((is-all (equal text foretype--text))
        (item foretype--item)
        (n-covered foretype--n-covered))
    (undo-boundary)
    (when is-all
      (delete-char n-covered))
    (insert text)
    (undo-boundary)
    (when is-all
      (foretype--hide)
      (foretype--send-changes)
      (let ((command (plist-get item :command)))
        (jsonrpc-async-request
         foretype--connection :workspace/executeCommand
         (list :command (plist-get command :command)
               :arguments (plist-get command :arguments))
         :success-fn #'ignore :error-fn #'ignore :timeout-fn #'ignore)))))

(defun foretype-accept ()
  "Insert the suggestion."
  (interactive)
  (when (foretype--follow)
    (foretype--accept foretype--text)))

(defun foretype-accept-word ()
  "Insert the next word of the suggestion."
  (interactive)
  (when (foretype--follow)
    (string-match "[[:space:]\n]*\\([[:word:]_]+\\|.\\)?" foretype--text)
    (foretype--accept (match-string 0 foretype--text))))

(defun foretype-accept-line ()
  "Insert the rest of the suggestion's line."
  (interactive)
  (when (foretype--follow)
    (string-match "\n*[^\n]*" foretype--text)
    (foretype--accept (match-string 0 foretype--text))))

(defun foretype-explain ()
  "Show why there is nothing, or where it came from."
  (interactive)
  (if (not (foretype--start))
      (message "Foretype: %s" foretype--status)
    (foretype--send-changes)
    (let ((said (jsonrpc-request foretype--connection :foretype/explain
                                 (list :textDocument (foretype--document)))))
      (with-help-window "*Foretype*"
        (princ (plist-get said :message))))))

;;;###autoload
(define-minor-mode foretype-mode
  "AI completions as ghost text."
  :lighter (:eval (let ((state (car (split-string foretype--status ":"))))
                    (if (equal state "ready") " Foretype" (concat " Foretype:" state))))
  (cond
   (foretype-mode
    (add-to-list 'emulation-mode-map-alists 'foretype--keys)
    (add-hook 'before-change-functions #'foretype--before-change nil t)
    (add-hook 'after-change-functions #'foretype--after-change nil t)
    (add-hook 'post-command-hook #'foretype--after-command nil t)
    (add-hook 'kill-buffer-hook #'foretype--close nil t)
    (add-hook 'change-major-mode-hook #'foretype--close nil t)
    (foretype--start))
   (t
    (remove-hook 'before-change-functions #'foretype--before-change t)
    (remove-hook 'after-change-functions #'foretype--after-change t)
    (remove-hook 'post-command-hook #'foretype--after-command t)
    (remove-hook 'kill-buffer-hook #'foretype--close t)
    (remove-hook 'change-major-mode-hook #'foretype--close t)
    (foretype--hide)
    (foretype--close))))

(provide 'foretype)
;;; foretype.el ends here
