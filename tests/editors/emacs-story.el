;;; emacs-story.el --- What both Emacs clients are put through  -*- lexical-binding: t -*-
;;; Commentary:
;; A client's script binds `story-request' and calls `story-run'.  Environment: STORY, SNIPPET.
;;; Code:
(require 'cl-lib)
(require 'json)
(require 'seq)
(require 'subr-x)
(require 'xref)

(defvar story (let ((json-object-type 'plist)) (json-read-file (getenv "STORY"))))
(defvar story-request nil "Function of method (a string) and parameters (a plist) that gives the answer as a plist.")
(defvar vc-handled-backends)

(defun story-get (thing &rest keys)
  "Value in THING below KEYS."
  (seq-reduce #'plist-get keys thing))

(defun story-file (place)
  "Name of the file of PLACE."
  (expand-file-name (story-get place :path) (story-get story :folder)))

(defun story-fail (what &rest seen)
  "Fail because of WHAT, showing what was SEEN."
  (error "%s: %S" what seen))

(defun story-wait (what seconds condition)
  "Wait for WHAT, at most SECONDS, until CONDITION gives non-nil."
  (let ((end (+ (float-time) seconds)) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) end) (story-fail (concat "waited too long for " what)))
      (accept-process-output nil 0.05))
    value))

(defun story-command (name &rest parameters)
  "Run the server's command NAME with PARAMETERS."
  (funcall story-request "workspace/executeCommand"
           (list :command (concat "codecontext.server." name)
                 :arguments (vector (or parameters (make-hash-table))))))

(defun story-hits (place)
  "Hits of the question about PLACE."
  (append (story-get (story-command "search" :query (story-get place :question)) :hits) nil))

(defun story-check-hits (hits place line)
  "Check that HITS begin with PLACE, at LINE, and that no two are the same."
  (let ((best (car hits)))
    (unless (and (equal (story-get best :path) (story-get place :path))
                 (equal (story-get best :symbol) (story-get place :symbol))
                 (equal (story-get best :selectionRange :start :line) line))
      (story-fail "best hit" place best)))
  (let ((places (mapcar (lambda (hit) (cons (story-get hit :path) (story-get hit :range :start :line))) hits)))
    (unless (equal places (delete-dups (copy-sequence places))) (story-fail "distinct hits" places))))

(defun story-check-point (what place line)
  "Check that WHAT went to LINE of PLACE."
  (unless (and (equal (buffer-file-name) (story-file place)) (= (line-number-at-pos) (1+ line)))
    (story-fail what (buffer-file-name) (line-number-at-pos) place)))

(defun story-check-xref (place)
  "Check that the question about PLACE finds it through `xref-find-apropos'."
  (let* ((items (xref-backend-apropos (xref-find-backend) (story-get place :question)))
         (summary (and items (xref-item-summary (car items)))))
    (unless (and items (string-match-p (concat "\\_<" (story-get place :symbol) "\\_>") summary)
                 (equal (xref-location-group (xref-item-location (car items))) (story-file place)))
      (story-fail "symbol by meaning" items))
    (car items)))

(defun story-run (start stop)
  "Go through a day with the functions START and STOP of a client."
  (condition-case problem
      (let ((known (story-get story :known)) (new (story-get story :new)))
        (setq vc-handled-backends nil)
        (find-file (expand-file-name "app/prices.py" (story-get story :folder)))
        (funcall start)
        ;; the index builds itself; the mode line says when it is done
        (story-wait "the mode line" 200 (lambda () (equal codecontext-status "CodeContext")))
        (let ((status (story-command "status")))
          (unless (and (equal (story-get status :health) "ok")
                       (= 1 (story-get (elt (story-get status :folders) 0) :coverage)))
            (story-fail "ready" status)))
        (story-check-hits (story-hits known) known (story-get known :line))
        (story-check-xref known)
        ;; as a person uses it: a question, the first offer taken
        (let ((completing-read-function
               (lambda (_prompt table &rest _) (car (all-completions "" table)))))
          (codecontext-search (story-get known :question)))
        (story-check-point "codecontext-search" known (story-get known :line))
        ;; lines that are not saved yet move the hit
        (goto-char (point-min))
        (insert "# one\n# two\n# three\n")
        (story-check-hits (story-hits known) known (+ 3 (story-get known :line)))
        (set-buffer-modified-p nil)
        (find-file (story-file new))
        (insert (string-join (append (story-get new :lines) nil) "\n") "\n")
        (save-buffer)
        (find-file (expand-file-name "app/prices.py" (story-get story :folder)))
        (story-wait "found after saving" 60
                    (lambda () (equal (story-get new :symbol) (story-get (car (story-hits new)) :symbol))))
        (story-check-hits (story-hits new) new (story-get new :line))
        (funcall stop)
        (message "PASS"))
    (error (message "FAIL %s" (error-message-string problem))
           (kill-emacs 1))))

(provide 'emacs-story)
;;; emacs-story.el ends here
