module throwaway

go 1.26
