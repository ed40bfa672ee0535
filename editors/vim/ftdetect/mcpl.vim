autocmd BufRead,BufNewFile *.mcpl setfiletype mcpl
