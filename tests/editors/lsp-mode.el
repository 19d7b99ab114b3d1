;;; lsp-mode.el --- Emacs with lsp-mode and the configuration of docs/editors.md  -*- lexical-binding: t -*-
;;; Code:
(load (expand-file-name "emacs-story.el" (file-name-directory load-file-name)) nil t)
(load (getenv "SNIPPET") nil t t)

;; Nothing of this is CodeContext's: it keeps lsp-mode from asking questions and from offering other servers.
(setq lsp-warn-no-matched-clients nil
      lsp-headerline-breadcrumb-enable nil
      lsp-enable-snippet nil
      lsp-enable-suggest-server-download nil
      lsp-enabled-clients '(codecontext)
      lsp-restart 'ignore)
(lsp-workspace-folders-add (story-get story :folder))

(defun story-plist (thing)
  "THING with plists instead of hash tables."
  (cond ((hash-table-p thing)
         (let (plist)
           (maphash (lambda (key value) (setq plist (cons (intern (concat ":" key)) (cons (story-plist value) plist))))
                    thing)
           plist))
        ((and (vectorp thing)) (mapcar #'story-plist thing))
        ((and (consp thing) (not (keywordp (car thing)))) (mapcar #'story-plist thing))
        (t thing)))

(setq story-request (lambda (method parameters) (story-plist (lsp-request method parameters))))
(add-hook 'python-mode-hook #'lsp)

(story-run (lambda ()
             (lsp)
             (story-wait "the server" 60
                         (lambda () (seq-some (lambda (workspace) (eq 'initialized (lsp--workspace-status workspace)))
                                              (lsp-workspaces)))))
           (lambda () (mapc #'lsp-workspace-shutdown (lsp-workspaces))))
;;; lsp-mode.el ends here
