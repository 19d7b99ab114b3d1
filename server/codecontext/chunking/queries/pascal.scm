(declType name: (_) @name type: [(declClass) (declIntf)] @body) @definition.class
(defProc header: (declProc name: (_) @name) body: (_) @body) @definition.function
((declProc name: (_) @name) @definition.function
  (#set! min-lines 2))

(comment) @comment
